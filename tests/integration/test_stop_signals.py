"""A run that is told to stop loses nothing."""
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from mmmultas.engine.interrupt import StopSignals
from mmmultas.testing import toy_config, toy_model
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.launch import build_runner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def unrehearsed(monkeypatch):
    """The batches below are counted; one before the first update is none."""
    monkeypatch.setattr('mmmultas.engine.train_loop.rehearse',
                        lambda loop: None)


def _runner(work_dir, signal_at=None, in_val=None, number=signal.SIGTERM,
            interval=1, accumulate=1, resume=False, workers=0):
    """A run that is signalled in an update, or in a batch of validation."""
    cfg = toy_config(work_dir, epochs=3, model=toy_model(dropout=0.2),
                     epoch_length=6)
    cfg.default_hooks.checkpoint.interval = interval
    cfg.optim_wrapper.accumulative_counts = accumulate
    cfg.resume = resume
    for stream in cfg.train_dataloader.values():
        stream.num_workers = workers
    runner = build_runner(cfg)
    runner.val_batches = 0
    step, val_step = runner.model.train_step, runner.model.val_step

    def train_step(*args, **kwargs):
        if runner.iter == signal_at:
            os.kill(os.getpid(), number)
        return step(*args, **kwargs)

    def validate(data):
        runner.val_batches += 1
        if runner.val_batches == in_val:
            os.kill(os.getpid(), number)
        return val_step(data)

    runner.model.train_step, runner.model.val_step = train_step, validate
    return runner


def _stop(work_dir, code=143, **kwargs):
    """The sentence that a signalled run ends with, and the run."""
    said, before = [], signal.getsignal(signal.SIGTERM)
    runner = _runner(work_dir, **kwargs)
    runner.logger.warning = said.append
    with pytest.raises(SystemExit) as stop:
        runner.train()
    assert stop.value.code == code
    assert signal.getsignal(signal.SIGTERM) == before
    assert len(said) == 1
    return said[0], runner


def _same(a, b):
    """Weights, their average, momentum, position and scores."""
    a, b = (load_file(Path(x) / 'epoch_3.pth') for x in (a, b))
    assert a['meta']['iter'] == b['meta']['iter']
    for part in ('state_dict', 'ema_state_dict'):
        assert a[part].keys() == b[part].keys()
        for key in a[part]:
            assert torch.equal(a[part][key], b[part][key]), (part, key)
    momenta = [x['optimizer']['state'] for x in (a, b)]
    assert momenta[0].keys() == momenta[1].keys()
    for key in momenta[0]:
        assert torch.equal(momenta[0][key]['momentum_buffer'],
                           momenta[1][key]['momentum_buffer'])
    infos = [x['message_hub']['runtime_info'] for x in (a, b)]
    assert infos[0]['selection_history'] == infos[1]['selection_history']


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An undisturbed run."""
    path = tmp_path_factory.mktemp('whole')
    _runner(path).train()
    return path


@pytest.mark.parametrize('update', [0, 4, 5, 8])
def test_stops_after_the_update(tmp_path, whole, update):
    said, runner = _stop(tmp_path, signal_at=update, workers=update == 4)
    done = update + 1
    file = 'epoch_1.pth' if done == 6 else f'iter_{done}.pth'
    assert f'SIGTERM after update {done}:' in said and '--resume' in said
    assert str(tmp_path / file) in said
    assert load_file(tmp_path / file)['meta']['iter'] == done
    assert runner.val_batches == (3 if done > 6 else 0)
    _runner(tmp_path, resume=True).train()
    _same(whole, tmp_path)


@pytest.mark.parametrize('interval', [1, 3])
def test_stops_in_validation(tmp_path, whole, interval):
    said, runner = _stop(tmp_path, in_val=2, interval=interval)
    assert str(tmp_path / 'epoch_1.pth') in said
    # the rest of the pass is left out, and made up for
    assert runner.val_batches == 2
    again = _runner(tmp_path, resume=True, interval=interval)
    again.train()
    assert again.val_batches == 9
    _same(whole, tmp_path)


def test_stops_in_the_last_validation(tmp_path, whole):
    _stop(tmp_path, in_val=8)
    _runner(tmp_path, resume=True).train()
    _same(whole, tmp_path)


def test_ctrl_c(tmp_path, whole):
    said, _ = _stop(tmp_path, code=130, number=signal.SIGINT, signal_at=2)
    assert 'SIGINT after update 3:' in said and '--resume' in said
    _runner(tmp_path, resume=True).train()
    _same(whole, tmp_path)


def test_a_second_ctrl_c_does_not_wait():
    with pytest.raises(KeyboardInterrupt):
        with StopSignals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.asked
            os.kill(os.getpid(), signal.SIGINT)


def test_waits_for_the_whole_accumulation(tmp_path):
    _runner(tmp_path / 'whole', accumulate=3).train()
    said, _ = _stop(tmp_path / 'cut', signal_at=6, accumulate=3)
    assert 'after update 9:' in said
    _runner(tmp_path / 'cut', accumulate=3, resume=True).train()
    _same(tmp_path / 'whole', tmp_path / 'cut')


def test_slurms_warning(tmp_path):
    said, _ = _stop(tmp_path, code=138, number=signal.SIGUSR1, signal_at=2)
    assert 'SIGUSR1 after update 3' in said


def test_a_run_without_checkpoints_says_so(tmp_path):
    runner = _runner(tmp_path, signal_at=1)
    runner._hooks = [h for h in runner.hooks
                     if type(h).__name__ != 'CheckpointHook']
    said = []
    runner.logger.warning = said.append
    with pytest.raises(SystemExit):
        runner.train()
    assert 'no checkpoint is written' in said[0]


def test_a_run_in_a_thread(tmp_path):
    thread = threading.Thread(target=_runner(tmp_path).train)
    thread.start()
    thread.join()
    assert (tmp_path / 'epoch_3.pth').is_file()


def test_the_tool_and_all_its_workers(tmp_path):
    """Slurm signals the whole group: main process and workers."""
    cfg = toy_config(tmp_path / 'work', epochs=1000)
    for stream in cfg.train_dataloader.values():
        stream.num_workers = 1
    cfg.custom_imports = dict(imports=['mmmultas.testing'])
    cfg.dump(tmp_path / 'config.py')
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1',
               PYTHONWARNINGS='ignore')
    process = subprocess.Popen(
        [sys.executable, str(ROOT / 'tools/train.py'),
         str(tmp_path / 'config.py')],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True)
    pointer = tmp_path / 'work/last_checkpoint'
    for _ in range(1200):
        if pointer.is_file() or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143, out[-3000:]
    assert 'Traceback' not in out, out[-3000:]
    said = re.findall(r'Stopped by SIGTERM after update (\d+): (\S+) is', out)
    assert len(said) == 1, out[-3000:]
    saved = load_file(said[0][1])
    assert saved['meta']['iter'] == int(said[0][0])
    assert pointer.read_text() == said[0][1]
    assert not list((tmp_path / 'work').glob('.*.part'))
