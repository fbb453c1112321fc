"""Matching in which boxes guide classes and classes guide boxes.

Zhang et al., "Localize to classify and classify to localize: mutual guidance
in object detection", ACCV 2020; as used by the teachers of [P2] (SPEC 3).

Shape legend: ``A`` anchors, ``M`` ground-truth boxes, ``C`` classes.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from .boxes import pairwise_iou

__all__ = [
    'GuidedMatch', 'class_qualities', 'match_by_quality', 'region_qualities'
]


class GuidedMatch(NamedTuple):
    """One image's assignment.

    Attributes:
        positive: (A,) bool.
        gt_index: (A,) int64, the box of a positive anchor; 0 elsewhere.
        quality: (A,) in [0, 1], of positive anchors; 0 elsewhere.
    """
    positive: Tensor
    gt_index: Tensor
    quality: Tensor


def class_qualities(decoded_A4: Tensor, boxes_M4: Tensor) -> Tensor:
    """How well each predicted box fits each box, (A, M) in [0, 1].

    What an anchor predicts well as a box, it is to classify.

    Args:
        decoded_A4: Predicted corners, not clamped to the image.
        boxes_M4: Ground-truth corners in the same unit.

    Example:
        >>> box = torch.tensor([[0., 0., 2., 2.]])
        >>> class_qualities(torch.tensor([[0., 0., 2., 1.]]), box)
        tensor([[0.5000]])
    """
    return pairwise_iou(decoded_A4, boxes_M4)


def region_qualities(anchors_A4: Tensor, logits_AC: Tensor, boxes_M4: Tensor,
                     labels_M: Tensor) -> Tensor:
    """Overlap raised by the score of the box's class, (A, M) in [0, 1].

    What an anchor classifies well, it is to regress.

    Args:
        anchors_A4: Corners.
        logits_AC: Raw class scores.
        boxes_M4: Ground-truth corners in the unit of the anchors.
        labels_M: Classes of the boxes, int64.

    Example:
        >>> anchor = torch.tensor([[0., 0., 2., 1.]])
        >>> box = torch.tensor([[0., 0., 2., 2.]])
        >>> region_qualities(anchor, torch.full((1, 3), -99.), box,
        ...                  torch.tensor([1]))
        tensor([[0.5000]])
    """
    scores_AM = logits_AC[:, labels_M].sigmoid()
    overlap_AM = pairwise_iou(anchors_A4, boxes_M4)
    return (overlap_AM * (scores_AM / 2).exp()).clamp(0, 1)


def match_by_quality(quality_AM: Tensor, num_top: int = 15) -> GuidedMatch:
    """Give each box as many anchors as its best qualities add up to.

    An anchor speaks for its best box alone; a box then takes its k best
    anchors, k being the whole part of the sum of its ``num_top`` largest
    qualities, at least 1, and at most the anchors of any quality.

    Args:
        quality_AM: In [0, 1]; M may be 0.
        num_top: Qualities that are added up.

    Example:
        >>> quality = torch.tensor([[.9, .0], [.8, .1], [.2, .7], [.3, .2]])
        >>> match = match_by_quality(quality)
        >>> match.positive
        tensor([ True,  True,  True, False])
        >>> match.gt_index
        tensor([0, 0, 1, 0])
    """
    num_anchors, num_boxes = quality_AM.shape
    positive = torch.zeros(
        num_anchors, dtype=torch.bool, device=quality_AM.device)
    gt_index = torch.zeros(
        num_anchors, dtype=torch.int64, device=quality_AM.device)
    if num_boxes == 0:
        return GuidedMatch(positive, gt_index,
                           quality_AM.new_zeros(num_anchors))
    best_A, best_index_A = quality_AM.max(dim=1)
    own_AM = torch.zeros_like(quality_AM).scatter(
        1, best_index_A[:, None], best_A[:, None])
    sums_M = own_AM.topk(min(num_top, num_anchors), dim=0).values.sum(0)
    counts_M = torch.minimum(
        sums_M.int().clamp(min=1), (own_AM > 0).sum(0))
    for box, count in enumerate(counts_M.tolist()):
        chosen = own_AM[:, box].topk(count).indices
        positive[chosen] = True
        gt_index[chosen] = box
    return GuidedMatch(positive, gt_index, best_A * positive)
