"""A signal asks a run to stop: at the next update, with a checkpoint."""
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import torch
from mmengine.dataset import worker_init_fn
from mmengine.dist import all_reduce, is_distributed

__all__ = ['CutValidation', 'StopSignals', 'start_worker']

#: What kill, Slurm and the cloud send before they kill; what Slurm can be
#: told to send earlier (--signal=USR1@120); Ctrl-C.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def _forget_in_child() -> None:
    """A process that a metric forks ends when it is told to."""
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if isinstance(getattr(handler, '__self__', None), StopSignals):
            signal.signal(
                number, signal.default_int_handler
                if number == signal.SIGINT else signal.SIG_DFL)


os.register_at_fork(after_in_child=_forget_in_child)


class CutValidation(Exception):
    """Validation was left before its end, since the run is to stop."""


class StopSignals:
    """A context in which SIGTERM, SIGUSR1 and SIGINT are noted only.

    A second Ctrl-C ends the run at once. Handlers are put back at its end.
    Outside the main thread Python can set none, and the signals do what they
    did before.
    """

    def __init__(self) -> None:
        self._number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> 'StopSignals':
        self._number = 0
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None,
                 error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        for number, handler in self._before.items():
            # None: one that Python did not set and cannot put back
            signal.signal(number, handler or signal.SIG_DFL)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._number:
            raise KeyboardInterrupt
        self._number = self._number or number

    @property
    def asked(self) -> bool:
        """Whether this process got a signal."""
        return bool(self._number)

    def agreed(self) -> int:
        """The signal that any process got, 0 for none; all must ask."""
        if not is_distributed():
            return self._number
        number = torch.tensor(self._number)
        all_reduce(number, op='max')
        return int(number)


def start_worker(worker_id: int, **kwargs: Any) -> None:
    """Seed a worker that loads data, and let it outlive the first SIGTERM.

    Slurm signals every process of a job; the main one, which writes the
    checkpoint, would fail if its workers were gone. A second signal ends
    them, as does the main process's end.
    """
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if noted and number != signal.SIGUSR1:
            os._exit(128 + number)
        noted.append(number)

    for number in SIGNALS:
        signal.signal(number, note)
    worker_init_fn(worker_id, **kwargs)
