"""What an image still shows after a crop, beside the labels that stay.

``visible`` is the rectangle x1, y1, x2, y2 that shows the picture, in pixels
of the image at hand; where there is none, all of it does. ``lost`` holds, by
task, boxes that a crop has dropped although a part of them is still in view.
Without both, "outside of every box" would be said of filled borders and of
parts of objects (docs/weak_losses.md).
"""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..readers import BoxLabels
from .labels import Results, labelled_boxes
from .rules import Window

__all__ = ['cut_view', 'flip_view', 'lose_boxes', 'scale_view']

Boxes = NDArray[np.float32]


def cut_view(results: Results, window: Window) -> None:
    """Follow a cut: call it before ``img`` is replaced.

    Args:
        results: What the pipeline carries.
        window: x1, y1, x2, y2 in pixels; it may reach beyond the image.
    """
    height, width = results['img'].shape[:2]
    seen = np.array(
        [results.get('visible', (0, 0, width, height))], np.float32)
    results['visible'] = tuple(_cut(seen, window)[0].tolist())
    for task, lost in (results.get('lost') or {}).items():
        _keep_seen(results, task, lost, window)


def lose_boxes(results: Results, task: str, dropped: NDArray[np.bool_],
               window: Window) -> None:
    """Remember boxes that a cut drops: call it before they are dropped.

    The view itself is cut first.

    Args:
        results: What the pipeline carries.
        task: The task's name.
        dropped: (M,), which of its boxes leave.
        window: The cut, in pixels of the image that still has them.
    """
    _keep_seen(results, task, labelled_boxes(results, task).chosen(dropped),
               window, (results.get('lost') or {}).get(task))


def scale_view(results: Results, scale: NDArray[Any]) -> None:
    """Follow a resize by factors (w, h, w, h)."""
    _map(results, lambda boxes: boxes * scale)


def flip_view(results: Results, width: int) -> None:
    """Follow a mirror image, left and right, of ``width`` pixels."""

    def mirrored(boxes: Boxes) -> Boxes:
        out = boxes.copy()
        out[:, 0::2] = width - boxes[:, 2::-2]
        return out

    _map(results, mirrored)


def _map(results: Results, move: Any) -> None:
    if 'visible' in results:
        seen = np.array([results['visible']], np.float32)
        seen = np.asarray(move(seen), np.float32)
        results['visible'] = tuple(seen[0].tolist())
    if 'lost' in results:
        results['lost'] = {task: lost.at(move(lost.bboxes))
                           for task, lost in results['lost'].items()}


def _keep_seen(results: Results, task: str, boxes: BoxLabels, window: Window,
               others: BoxLabels | None = None) -> None:
    """Set a task's lost boxes to those of which some part is in view."""
    inside = _cut(boxes.bboxes, window)
    seen = np.asarray((inside[:, 2:] > inside[:, :2]).all(1))
    found = boxes.at(inside).chosen(seen)
    if others is not None:
        found = others.joined(found)
    results['lost'] = {**(results.get('lost') or {}), task: found}


def _cut(boxes: Boxes, window: Window) -> Boxes:
    x1, y1, x2, y2 = window
    moved = boxes - np.array([x1, y1, x1, y1], np.float32)
    limit = np.array([x2 - x1, y2 - y1] * 2, np.float32)
    return np.asarray(moved.clip(0, limit), np.float32)
