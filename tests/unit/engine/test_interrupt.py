import multiprocessing
import os
import signal
import threading
import time

import pytest
from torch.utils.data import DataLoader

from mmmultas.engine.interrupt import StopSignals, start_worker

HANDLERS = (signal.SIGTERM, signal.SIGUSR1)


def _handlers():
    return [signal.getsignal(number) for number in HANDLERS]


@pytest.mark.parametrize('number', HANDLERS)
def test_signals_are_noted_and_handlers_put_back(number):
    before = _handlers()
    stop = StopSignals()
    with stop:
        assert not stop.asked and stop.agreed() == 0
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked and stop.agreed() == number
        assert _handlers() != before
    assert _handlers() == before
    with stop:
        assert not stop.asked


def test_handlers_are_put_back_after_an_error():
    before = _handlers()
    with pytest.raises(RuntimeError), StopSignals():
        raise RuntimeError
    assert _handlers() == before


def test_other_threads_set_none():
    before, seen = _handlers(), []

    def run():
        with StopSignals() as stop:
            seen.append((_handlers(), stop.agreed()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(before, 0)] and _handlers() == before


class _Pids:

    def __len__(self):
        return 1000

    def __getitem__(self, index):
        time.sleep(0.005)
        return os.getpid()


def test_workers_outlive_one_sigterm():
    def init(worker_id):
        start_worker(worker_id, num_workers=1, rank=0, seed=0)

    batches = iter(DataLoader(_Pids(), num_workers=1, worker_init_fn=init))
    worker = int(next(batches))
    os.kill(worker, signal.SIGUSR1)
    assert int(next(batches)) == worker
    # a second one ends it, perhaps while it hands over a batch
    with pytest.raises((RuntimeError, ConnectionResetError),
                       match='exited unexpectedly|killed|reset by peer'):
        os.kill(worker, signal.SIGTERM)
        for _ in range(900):
            next(batches)


def test_processes_that_a_metric_forks_end_when_they_are_told_to():
    """multiprocessing.Pool ends its workers by SIGTERM."""
    with StopSignals() as stop:
        context = multiprocessing.get_context('fork')
        child = context.Process(target=time.sleep, args=(60, ))
        child.start()
        time.sleep(.2)
        child.terminate()
        child.join(10)
        assert child.exitcode == -signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked  # the parent still takes notes
