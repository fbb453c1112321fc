"""Boxes that were written in another form than their format asks for."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .problems import WARNING, Problem

__all__ = ['unit_problem']

#: With fewer boxes nothing can be told from where they lie.
FEW, SEVERAL = 3, 20
#: Share of the sides that boxes in true pixels hardly ever leave free.
CORNER = 0.6


def unit_problem(path: str, boxes: NDArray[Any],
                 sizes: NDArray[Any]) -> Problem | None:
    """What the boxes of a COCO json look like, if it is not x, y, w, h.

    Args:
        path: The json, for the message.
        boxes: (M, 4) numbers as the file has them.
        sizes: (M, 2) width and height of each box's image; NaN where the
            file does not tell.

    Returns:
        A warning: it can be told by looks alone.

    Example:
        >>> corners = np.array([[50., 40, 90, 80]] * 3)
        >>> unit_problem('a.json', corners, np.full((3, 2), 100.)).mend
        'write [x1, y1, x2 - x1, y2 - y1]'
    """
    if len(boxes) < FEW:
        return None
    said = _looks(boxes, sizes)
    if said is None:
        return None
    form, mend, example = said
    shown = ', '.join(f'{v:g}' for v in boxes[example])
    return Problem(
        path, f'has boxes that look like {form}, for example [{shown}], but '
        f'a COCO json holds x, y, width, height', mend, 'units', WARNING)


def _looks(boxes: NDArray[Any],
           sizes: NDArray[Any]) -> tuple[str, str, int] | None:
    x, y, a, b = boxes.T
    if boxes.min() >= 0 and max((x + a).max(), (y + b).max()) <= 1.01:
        return ('shares of the image (0 to 1)', 'multiply x and width by '
                "the image's width, y and height by its height", 0)
    width, height = sizes.T
    if not np.isfinite(sizes).all():
        return None
    leaves = (x + a > width + 1) | (y + b > height + 1)
    if leaves.sum() >= FEW - 1:
        first = int(np.argmax(leaves))
        if ((a > x) & (b > y) & (a <= width + 1) & (b <= height + 1)).all():
            return ('x1, y1, x2, y2', 'write [x1, y1, x2 - x1, y2 - y1]',
                    first)
        if ((x - a / 2 >= -1) & (y - b / 2 >= -1) & (x + a / 2 <= width + 1)
                & (y + b / 2 <= height + 1)).all():
            return ('x and y of the centre', 'write [x - width / 2, y - '
                    'height / 2, width, height]', first)
    farthest = max(((x + a) / width).max(), ((y + b) / height).max())
    if len(boxes) >= SEVERAL and farthest < CORNER:
        return ('per cent or pixels of smaller images (all lie within the '
                f'first {farthest:.0%} of width and height)',
                'scale them to the size of the images', 0)
    return None
