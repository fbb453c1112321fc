"""One progress bar for all long work."""
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

__all__ = ['progress']


def progress(items: Iterable[Any] | None = None,
             *,
             total: int | None = None,
             what: str = '',
             unit: str = 'it',
             position: int = 0) -> Any:
    """A bar on stderr, for a loop or for ``update`` by hand.

    Where stderr is no terminal (a log file, CI) it writes a line every ten
    seconds instead of thousands.

    Args:
        items: What the loop runs over; None to call ``update`` oneself.
        total: Number of steps, default ``len(items)``.
        what: Words in front of the bar.
        unit: What is counted.
        position: Line of the screen, where several bars run at once.

    Returns:
        A ``tqdm.tqdm``: iterate over it, or use it as a context.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        total=total,
        desc=what or None,
        unit=unit,
        mininterval=0.2 if terminal else 10,
        # tqdm skips over the clock after fast steps; a slow one then hides
        miniters=1,
        position=position if terminal else 0,
        dynamic_ncols=terminal,
        ascii=' #',
        file=sys.stderr)
