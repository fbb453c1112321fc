"""Shapes of annotation tools: their outlines, boxes and runs."""
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmmultas.projects.records import Thing

__all__ = [
    'column_runs', 'ellipse', 'grouped', 'named', 'outlined', 'rectangle',
    'turned'
]

#: Of an ellipse: its box is right to 0.0003 of its radius.
_CORNERS = 128
Points = NDArray[np.float64]


def named(kind: str, label: str) -> str:
    """A shape in a sentence.

    Example:
        >>> named('ellipse', 'cat'), named('points', 'dog')
        ("an ellipse of 'cat'", "points of 'dog'")
    """
    article = '' if kind == 'points' else (
        'an ' if kind[:1] in tuple('aeiou') else 'a ')
    return f'{article}{kind} of {label!r}'


def grouped(groups: Iterable[tuple[Hashable, str, Any]]) -> list[str]:
    """What is to be said of shapes that a tool has put into groups.

    Args:
        groups: Of each shape its picture, class and group; None or 0 is
            none.
    """
    counts = Counter(g for g in groups if g[2])
    found = sum(n for n in counts.values() if n > 1)
    return [f'{found} shapes are in a group (`group_id`) with others of '
            'their class; each is an object of its own here'] if found else []


def rectangle(x1: float, y1: float, x2: float, y2: float) -> Points:
    """The four corners in pixels, (4, 2)."""
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], float)


def ellipse(centre: Sequence[float], radii: Sequence[float]) -> Points:
    """An ellipse as a polygon.

    Args:
        centre: x and y in pixels.
        radii: Along x and along y, in pixels.

    Returns:
        (128, 2): xy in pixels; the utmost four points are among them.
    """
    angle = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
    unit = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.asarray(centre, float) + unit * np.asarray(radii, float)


def turned(points: Points, degrees: float) -> Points:
    """Points turned about the middle of their hull.

    Args:
        points: (N, 2), xy in pixels, y downwards.
        degrees: Clockwise, as one sees it.

    Example:
        >>> turned(rectangle(0, 0, 4, 2), 90).round(6).tolist()
        [[3.0, -1.0], [3.0, 3.0], [1.0, 3.0], [1.0, -1.0]]
    """
    middle = (points.min(0) + points.max(0)) / 2
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([(cos, sin), (-sin, cos)])
    return np.asarray((points - middle) @ turn + middle)


def outlined(name: str, points: ArrayLike) -> Thing:
    """A thing by its outline: the polygon, and the box around it.

    Args:
        name: Its class.
        points: (N, 2), xy in pixels, N of 3 or more.

    Raises:
        ValueError: These are no such points.
    """
    corners = np.asarray(points, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or (
            not np.isfinite(corners).all()):
        raise ValueError('an outline is three or more pairs of numbers')
    x1, y1 = corners.min(0).tolist()
    x2, y2 = corners.max(0).tolist()
    return Thing(name, (x1, y1, x2, y2), [corners.ravel().tolist()])


def column_runs(mask: NDArray[np.uint8]) -> dict[str, Any]:
    """A mask of 0 and 1, (H, W), as COCO's runs: by column, 0 first."""
    flat = mask.ravel('F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, len(flat)]).tolist()
    return dict(size=list(mask.shape), counts=lengths if not flat[0] else
                [0, *lengths])
