"""Tables of scores for the log."""
import math
from collections.abc import Sequence

__all__ = ['score_text', 'text_table']


def score_text(value: float) -> str:
    """Two decimals, or ``n/a`` where there is nothing to score."""
    return 'n/a' if math.isnan(value) else f'{value:.2f}'


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out ``rows`` under ``header``: names left, figures right.

    Example:
        >>> print(text_table(('class', 'IoU'), [('cat', '61.20')]))
        class |   IoU
        ------+------
        cat   | 61.20
    """
    widths = [max(map(len, column)) for column in zip(header, *rows)]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths)))
        return ' | '.join((first, *rest)).rstrip()

    rule = '-+-'.join('-' * width for width in widths)
    return '\n'.join([line(header), rule, *map(line, rows)])
