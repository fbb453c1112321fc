"""Which anchor learns which box (SPEC 3).

Shape legend: ``A`` anchors, ``M`` ground-truth boxes.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from .boxes import pairwise_iou

__all__ = ['Match', 'match_by_iou']


class Match(NamedTuple):
    """One image's assignment.

    Attributes:
        overlap: (A,) best overlap of each anchor in [0, 1]; forced matches
            count as 1; 0 where there is no box.
        gt_index: (A,) int64 index of that box; 0 where there is no box.
    """
    overlap: Tensor
    gt_index: Tensor


def match_by_iou(anchors_A4: Tensor, boxes_M4: Tensor) -> Match:
    """Match every anchor to its best box, and every box to an anchor.

    Each box forces its best anchor to match it; if two boxes share a best
    anchor the later one wins.

    Args:
        anchors_A4: Corners.
        boxes_M4: Corners in the same unit; M may be 0.

    Example:
        >>> anchors = torch.tensor([[0., 0., 2., 2.], [4., 4., 6., 6.]])
        >>> match = match_by_iou(anchors, torch.tensor([[0., 0., 2., 1.]]))
        >>> match.overlap
        tensor([1., 0.])
    """
    if len(boxes_M4) == 0:
        zeros = anchors_A4.new_zeros(len(anchors_A4))
        return Match(zeros, zeros.long())
    iou_AM = pairwise_iou(anchors_A4, boxes_M4)
    overlap, gt_index = iou_AM.max(dim=1)
    best_anchor_M = iou_AM.argmax(dim=0)
    order = torch.arange(len(boxes_M4), device=boxes_M4.device)
    # amax, since the order of duplicate writes of index_put is undefined
    forced = torch.full_like(gt_index, -1).scatter_reduce(
        0, best_anchor_M, order, 'amax')
    is_forced = forced >= 0
    return Match(
        overlap.masked_fill(is_forced, 1),
        torch.where(is_forced, forced, gt_index))
