"""Anchor targets that follow the predictions (SPEC 3, [P2])."""
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.functional.mutual_guide import (class_qualities,
                                              match_by_quality,
                                              region_qualities)
from mmmultas.registry import TASK_UTILS
from mmmultas.utils.errors import ConfigError

from .iou_matcher import AnchorTargets

__all__ = ['MutualGuideMatcher']


@TASK_UTILS.register_module()
class MutualGuideMatcher:
    """Boxes guide which anchors classify, classes which ones regress.

    An anchor whose predicted box fits a box well is to classify it, with the
    overlap as its soft label (focal loss makes it 1); an anchor that is sure
    of a box's class is to regress it, weighted by that. All other anchors
    are negatives.

    Args:
        num_top: Qualities that are added up to a box's number of anchors.

    Raises:
        ConfigError: ``num_top`` is below 1.
    """
    #: Whether :meth:`assign` looks at the network's outputs.
    needs_predictions = True

    def __init__(self, num_top: int = 15) -> None:
        if num_top < 1:
            raise ConfigError('MutualGuideMatcher needs `num_top` of 1 or '
                              f'more, got {num_top}.')
        self.num_top = num_top

    @torch.no_grad()
    def assign(self, anchors: Tensor, gt: InstanceData, num_classes: int,
               logits: Tensor, boxes: Tensor) -> AnchorTargets:
        """Assign one image.

        Args:
            anchors: (A, 4) corners in pixels.
            gt: ``bboxes`` (M, 4) corners in pixels, ``labels`` (M,) int64.
            num_classes: C.
            logits: (A, C) raw scores.
            boxes: (A, 4) predicted corners in pixels, not clamped.
        """
        cls = match_by_quality(
            class_qualities(boxes, gt.bboxes), self.num_top)
        reg = match_by_quality(
            region_qualities(anchors, logits, gt.bboxes, gt.labels),
            self.num_top)
        target = anchors.new_zeros(len(anchors), num_classes)
        chosen = cls.positive
        target[chosen, gt.labels[cls.gt_index[chosen]]] = cls.quality[chosen]
        return AnchorTargets(target, None, reg.positive,
                             gt.bboxes[reg.gt_index[reg.positive]],
                             reg.quality[reg.positive])
