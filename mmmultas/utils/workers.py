"""Processes that read data: whose they are, and what their death means."""
import atexit
import multiprocessing
import re
import signal
import threading
from collections.abc import Iterable

__all__ = ['note_workers', 'sentence_of_death']

#: Config key of the stream that a process reads, by its number.
_READS: dict[int, str] = {}
#: PyTorch's words; its signal handler raises them anywhere in our code.
_DEATH = re.compile(r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) '
                    r'(?:is |exited )([^.]*)')
_LATE = re.compile(r'DataLoader timed out after (\d+) seconds')


def note_workers(key: str, pids: Iterable[int | None]) -> None:
    """Remember whose data some processes read.

    Args:
        key: Place of the stream in the config.
        pids: Their numbers.
    """
    if not _READS:
        atexit.register(_end)  # before multiprocessing's own, which waits
    _READS.update((pid, key) for pid in pids if pid is not None)


def sentence_of_death(text: str) -> str | None:
    """The sentence for an error of PyTorch's DataLoader, else None.

    Example:
        >>> note_workers('train_dataloader.det', [7])
        >>> sentence_of_death('DataLoader worker (pid 7) is killed by signal:'
        ...                   ' Segmentation fault. ')[:60]
        'A process that read `train_dataloader.det` (pid 7) was kille'
    """
    late, death = _LATE.search(text), _DEATH.search(text)
    if late:
        return (f'No batch was read within {late[1]} seconds: the disk or '
                'network that holds the data hangs, or raise the `timeout` '
                'of the stream.')
    if not death:
        return None
    pids = [int(pid) for pid in death[1].split(',')]
    keys = sorted({_READS[pid] for pid in pids if pid in _READS})
    place = ' or '.join(f'`{key}`' for key in keys) or 'data'
    key = keys[0] if keys else 'train_dataloader.NAME'
    how = death[2].strip()
    how = f'was {how}' if how.startswith('killed') else f'exited {how}'
    return (f'A process that read {place} (pid {death[1]}) {how}: '
            f'{_mend(how, key)}.')


def _end() -> None:
    """End what still reads when Python ends, for instance by an error.

    Workers outlive one SIGTERM, and multiprocessing sends only one.
    """
    if threading.current_thread() is threading.main_thread():
        # PyTorch's handler would raise that they were killed
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for process in multiprocessing.active_children():
        if process.pid in _READS:
            process.kill()


def _mend(how: str, key: str) -> str:
    if how.endswith('Killed'):
        return ('most often the memory ran out; lower '
                f'`{key}.num_workers`, its `batch_size`, or `cache_mb` of '
                'LoadLabels')
    if how.endswith('Bus error'):
        return ('the shared memory is full; enlarge /dev/shm (docker run '
                f'--shm-size=8g) or lower `{key}.num_workers`')
    return ('a file may have crashed the library that decodes it; '
            f'`{key}.num_workers=0` shows where')
