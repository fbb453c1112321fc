"""Scores and boxes of every place of a detector, and their NMS, for ONNX."""
import math
from typing import Any

import torch
from mmcv.ops import nms
from mmdet.models.dense_heads import AnchorHead
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor

from mmmultas.utils.errors import ConfigError

__all__ = ['DenseBoxes', 'NMS', 'dense_boxes']

#: What MMDetection's coder limits log sizes to.
_LOG_SIZE = math.log(1000 / 16)
#: Scores and corners in pixels of the input, (N, A, C) and (N, A, 4).
DenseBoxes = tuple[Tensor, Tensor]


def dense_boxes(name: str, head: Any, outputs: Any) -> DenseBoxes:
    """What a detector says of every place, decoded, not chosen yet.

    Args:
        name: The task's name, for messages.
        head: A head with ``dense_boxes``, or an anchor head of MMDetection
            whose scores are sigmoids and whose boxes are deltas.
        outputs: Its raw outputs.

    Raises:
        ConfigError: Another head.
    """
    if hasattr(head, 'dense_boxes'):
        found: DenseBoxes = head.dense_boxes(outputs)
        return found
    kind = type(head)
    plain = (isinstance(head, AnchorHead)
             and all(getattr(kind, name) is getattr(BaseDenseHead, name)
                     for name in ('predict_by_feat',
                                  '_predict_by_feat_single'))
             and len(outputs) == 2  # a third would scale the scores (ATSS)
             and type(head.bbox_coder) is DeltaXYWHBBoxCoder
             and not head.bbox_coder.add_ctr_clamp
             and getattr(head, 'use_sigmoid_cls', False))
    if not plain:
        raise ConfigError(
            f'`model.heads.{name}` is a {type(head).__name__}, which cannot '
            'be exported yet: docs/export.md lists the heads that can.')
    return _anchor_head(head, *outputs)


def _anchor_head(head: Any, scores: Any, deltas: Any) -> DenseBoxes:
    device = scores[0].device
    priors = torch.cat(head.prior_generator.grid_priors(
        [tuple(int(side) for side in x.shape[-2:]) for x in scores],
        device=device))
    logits = torch.cat([_flat(x, head.cls_out_channels) for x in scores], 1)
    raw = torch.cat([_flat(x, 4) for x in deltas], 1)
    coder = head.bbox_coder
    raw = raw * raw.new_tensor(coder.stds) + raw.new_tensor(coder.means)
    size = priors[:, 2:] - priors[:, :2]
    centre = (priors[:, :2] + priors[:, 2:]) / 2 + raw[..., :2] * size
    half = size * raw[..., 2:].clamp(-_LOG_SIZE, _LOG_SIZE).exp() / 2
    return logits.sigmoid(), torch.cat([centre - half, centre + half], -1)


def _flat(x: Tensor, channels: int) -> Tensor:
    """(N, A * channels, H, W) as (N, H * W * A, channels)."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, channels).float()


class NMS(torch.autograd.Function):
    """Class-wise suppression, ONNX's operator where a graph is written."""

    @staticmethod
    def forward(ctx: Any, boxes: Tensor, scores: Tensor, limit: int,
                iou_threshold: float, score_thr: float) -> Tensor:
        """Indices of what stays, best first.

        Args:
            ctx: Not used.
            boxes: (M, 4) corners, apart where classes differ.
            scores: (M,).
            limit: Boxes that stay at most.
            iou_threshold: Overlap from which the lesser box goes.
            score_thr: Boxes that do not score more go.
        """
        chosen = (scores > score_thr).nonzero().squeeze(1)
        _, keep = nms(boxes[chosen], scores[chosen], iou_threshold)
        return chosen[keep][:limit]

    @staticmethod
    def symbolic(g: Any, boxes: Any, scores: Any, limit: int,
                 iou_threshold: float, score_thr: float) -> Any:
        """One NonMaxSuppression of one class."""

        def constant(value: Any, dtype: torch.dtype) -> Any:
            return g.op('Constant', value_t=torch.tensor([value],
                                                         dtype=dtype))

        axes = constant(0, torch.int64)
        batch = g.op('Unsqueeze', boxes, axes)
        ranked = g.op('Unsqueeze', g.op('Unsqueeze', scores, axes), axes)
        found = g.op('NonMaxSuppression', batch, ranked,
                     constant(limit, torch.int64),
                     constant(iou_threshold, torch.float32),
                     constant(score_thr, torch.float32))
        column = g.op('Gather', found, constant(2, torch.int64), axis_i=1)
        return g.op('Squeeze', column, constant(1, torch.int64))
