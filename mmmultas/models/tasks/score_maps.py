"""What a head of boxes says, as a map per class."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

from mmmultas.functional.box_supervision import box_cells
from mmmultas.utils.errors import ConfigError

from .known_heads import NO_SCORES

__all__ = ['check_scores', 'filled_boxes', 'score_map']


def check_scores(head: Any, key: str) -> int:
    """The classes of a head whose scores can be drawn.

    Args:
        head: A head of boxes.
        key: Its config key, for messages.

    Raises:
        ConfigError: Its first outputs are no raw scores of sigmoids.
    """
    parents = [parent.__name__ for parent in type(head).__mro__]
    why = next((NO_SCORES[p] for p in parents if p in NO_SCORES), None)
    if why is None and not getattr(head, 'use_sigmoid_cls', True):
        why = 'has a softmax'
    if why is not None:
        raise ConfigError(
            f'Boxes are compared with other tasks by raw scores of classes, '
            f'and the {type(head).__name__} of `{key}` {why}: leave it out, '
            "or take another head, such as 'mmmultas.MultiLevelAnchorHead'.")
    return int(head.num_classes)


def score_map(outputs: Any, classes: int, size: tuple[int, int],
              key: str) -> Tensor:
    """The best score of each class at every pixel, (N, C, H, W) in [0, 1].

    Of the anchors of a place, and of the levels, the best one speaks.

    Args:
        outputs: Raw outputs of a head; its first are levels of
            (N, A C, h, w), anchor by anchor.
        classes: C.
        size: Height and width of the input.
        key: Config key of the head, for messages.

    Raises:
        ConfigError: The head gives something else.
    """
    levels = outputs[0] if isinstance(outputs, list | tuple) else ()
    if not isinstance(levels, list | tuple) or not levels or any(
            not isinstance(x, Tensor) or x.dim() != 4
            or x.shape[1] % classes for x in levels):
        raise ConfigError(
            f'`{key}` does not give levels of class scores first, which '
            'are drawn to compare boxes with other tasks: leave it out.')
    best: Tensor | None = None
    for level in levels:
        n, _, h, w = level.shape
        scores = level.float().reshape(n, -1, classes, h, w).amax(1)
        full = F.interpolate(scores.sigmoid(), size, mode='bilinear')
        best = full if best is None else torch.maximum(best, full)
    assert best is not None
    return best


def filled_boxes(samples: Sequence[Any] | SampleList, classes: int,
                 size: tuple[int, int]) -> Tensor:
    """1 inside of the boxes of a class, (N, C, H, W) float32.

    Args:
        samples: N samples with boxes under the stock name.
        classes: C.
        size: Height and width of the input.
    """
    found = []
    for sample in samples:
        boxes: Tensor = get_box_tensor(sample.gt_instances.bboxes).float()
        labels = sample.gt_instances.labels
        inside = box_cells(boxes, size, 1)
        maps = torch.zeros(classes, *size, device=boxes.device)
        for k in labels.unique().tolist():
            maps[k] = inside[labels == k].any(0)
        found.append(maps)
    return torch.stack(found)
