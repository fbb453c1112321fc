"""Anchor targets by overlap (SPEC 3)."""
from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.functional.matching import match_by_iou
from mmmultas.registry import TASK_UTILS
from mmmultas.utils.errors import ConfigError

__all__ = ['AnchorTargets', 'IoUMatcher']


class AnchorTargets(NamedTuple):
    """What one image asks of its anchors.

    Attributes:
        cls_target: (A, C) float target scores.
        cls_ignore: (A, C) bool, entries that take no part; None for none.
        positive: (A,) bool, anchors that learn a box.
        boxes: (P, 4) corner boxes of those anchors, in pixels.
        box_weight: (P,) weights of their box losses; None for 1.
    """
    cls_target: Tensor
    cls_ignore: Tensor | None
    positive: Tensor
    boxes: Tensor
    box_weight: Tensor | None = None


@TASK_UTILS.register_module()
class IoUMatcher:
    """Positive from ``pos_iou`` on, negative below ``neg_iou``.

    Args:
        pos_iou: Overlap from which an anchor is positive.
        neg_iou: Overlap under which an anchor is negative.
        ignore: What takes no part between the two: ``'matched_class'`` only
            the entry of the matched box's class (the papers' released code;
            the other classes stay negative), ``'anchor'`` the whole anchor
            (mmdet).

    Raises:
        ConfigError: The thresholds or ``ignore`` make no sense.
    """
    #: Whether :meth:`assign` looks at the network's outputs.
    needs_predictions = False

    def __init__(self,
                 pos_iou: float = 0.5,
                 neg_iou: float = 0.4,
                 ignore: str = 'matched_class') -> None:
        if not 0 <= neg_iou <= pos_iou <= 1:
            raise ConfigError(
                'IoUMatcher needs 0 <= `neg_iou` <= `pos_iou` <= 1, got '
                f'neg_iou={neg_iou}, pos_iou={pos_iou}.')
        if ignore not in ('matched_class', 'anchor'):
            raise ConfigError("IoUMatcher's `ignore` is 'matched_class' or "
                              f"'anchor', got {ignore!r}.")
        self.pos_iou = pos_iou
        self.neg_iou = neg_iou
        self.ignore = ignore

    def assign(self,
               anchors: Tensor,
               gt: InstanceData,
               num_classes: int,
               logits: Tensor | None = None,
               boxes: Tensor | None = None) -> AnchorTargets:
        """Assign one image.

        Args:
            anchors: (A, 4) corners in pixels.
            gt: ``bboxes`` (M, 4) corners in pixels, ``labels`` (M,) int64.
            num_classes: C.
            logits: (A, C) raw scores, not looked at.
            boxes: (A, 4) decoded boxes, not looked at.
        """
        overlap, index = match_by_iou(anchors, gt.bboxes)
        target = anchors.new_zeros(len(anchors), num_classes)
        positive = overlap >= self.pos_iou
        if len(gt.bboxes) == 0:
            return AnchorTargets(target, None, positive,
                                 gt.bboxes.new_zeros(0, 4))
        matched = index[positive]
        target[positive, gt.labels[matched]] = 1
        between = (overlap >= self.neg_iou) & ~positive
        ignore = torch.zeros_like(target, dtype=torch.bool)
        if self.ignore == 'anchor':
            ignore[between] = True
        else:
            ignore[between, gt.labels[index[between]]] = True
        return AnchorTargets(target, ignore, positive, gt.bboxes[matched])
