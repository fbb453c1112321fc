"""One block of progress for work that runs side by side.

On a terminal a few lines are drawn again and again; into a file or a pipe a
line is written now and then.
"""
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['ProgressBlock', 'Row', 'in_words']

_WIDTH = 20
#: Seconds between lines where there is no terminal: soon, then calmly.
_FIRST, _LATER = 10, 30


@dataclass
class Row:
    """How far a part of the work is.

    Attributes:
        name: What it is called.
        done: Steps that are done.
        total: Steps in all.
        state: 'waits', 'runs', 'done', 'failed' or other words for what it
            does beside its steps, such as 'is tested'.
        weight: What a step takes, against those of other rows.
    """
    name: str
    done: int
    total: int
    state: str = 'runs'
    weight: float = 1.0


class ProgressBlock:
    """Shows rows on stderr, and when all of them will be done.

    Args:
        what: What is going on, such as 'Training'.
        unit: What the steps are, such as 'updates'.
    """

    def __init__(self, what: str, unit: str) -> None:
        self.what = what
        self.unit = unit
        self.terminal = (sys.stderr.isatty()
                         and os.environ.get('TERM', 'dumb') != 'dumb')
        self._started = self._said = time.monotonic()
        self._wait = 0
        self._at_start: float | None = None
        self._drawn = 0

    def show(self, rows: Sequence[Row], last: bool = False) -> None:
        """Draw the rows, or write a line if it is time for one.

        Args:
            rows: All of them, in every call.
            last: Nothing will follow: show it in any case.
        """
        if not rows:
            return
        now = time.monotonic()
        spent = now - self._started
        left = self._left(rows, spent)
        if self.terminal:
            self._draw(self._lines(rows, left, spent))
        elif last or now - self._said >= self._wait:
            self._said, self._wait = now, _LATER if self._wait else _FIRST
            print('; '.join(line.strip() for line in self._lines(
                rows, left, spent)), file=sys.stderr, flush=True)

    def _left(self, rows: Sequence[Row], elapsed: float) -> str:
        """How long it may still take, '' while nobody knows."""
        alive = [row for row in rows if row.state != 'failed']
        done = sum(min(row.done, row.total) * row.weight for row in alive)
        total = sum(row.total * row.weight for row in alive)
        if self._at_start is None:
            self._at_start = done  # of an earlier call
        here = done - self._at_start
        if done >= total or here <= 0:
            return ''
        return f', about {in_words(elapsed / here * (total - done))} left'

    def _lines(self, rows: Sequence[Row], left: str,
               spent: float) -> list[str]:
        shown = [row for row in rows
                 if row.state not in ('waits', 'done', 'failed')]
        states = [row.state for row in rows]
        failed = f', {states.count("failed")} failed' * ('failed' in states)
        width = max((len(row.name) for row in shown), default=0)
        lines = [f'{self.what} ({in_words(spent)}): {states.count("done")} of '
                 f'{len(rows)} done{failed}{left}']
        for row in shown:
            bar = '#' * int(_WIDTH * min(1, row.done / max(1, row.total)))
            drawn = f' [{bar:-<{_WIDTH}}]' * self.terminal
            lines.append(f'  {row.name:<{width * self.terminal}}{drawn} '
                         f'{self._state(row)}')
        return lines

    def _state(self, row: Row) -> str:
        state = '' if row.state == 'runs' else f', {row.state}'
        return f'{row.done}/{row.total} {self.unit}{state}'

    def _draw(self, lines: list[str]) -> None:
        columns = shutil.get_terminal_size().columns
        up = f'\x1b[{self._drawn}A' if self._drawn else ''
        text = '\n'.join(line[:columns - 1] for line in lines)
        sys.stderr.write(f'{up}\r\x1b[J{text}\n')
        sys.stderr.flush()
        self._drawn = len(lines)


def in_words(seconds: float) -> str:
    """A time as somebody would say it.

    Example:
        >>> in_words(4), in_words(75), in_words(400), in_words(9000)
        ('4 s', '75 s', '7 min', '2 h 30 min')
    """
    if seconds < 90:
        return f'{seconds:.0f} s'
    minutes = round(seconds / 60)
    if minutes < 90:
        return f'{minutes} min'
    return f'{minutes // 60} h {minutes % 60} min'
