"""From matched anchors to the sums of a head's losses (SPEC 3, 4)."""
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.registry import MODELS, TASK_UTILS
from mmmultas.utils.errors import ConfigError

from ..assigners import AnchorTargets
from ..losses.loss_sum import LossSum, SumLoss

__all__ = ['build_matcher', 'matched_losses', 'sum_loss']

#: (anchors, corners) to raw boxes, or (anchors, raw boxes) to corners.
Coding = Callable[[Tensor, Tensor], Tensor]


def matched_losses(head: Any,
                   anchors: Tensor,
                   logits: Tensor,
                   deltas: Tensor,
                   gts: Sequence[InstanceData],
                   encode: Coding,
                   decode: Coding,
                   valid: Tensor | None = None) -> dict[str, LossSum]:
    """Match each image, then score all anchors at once.

    Args:
        head: Its ``assigner`` matches; ``loss_cls`` and ``loss_bbox`` score.
        anchors: (A, 4) corners in pixels.
        logits: (N, A, C) raw scores.
        deltas: (N, A, 4) raw boxes.
        gts: N times ``bboxes`` (M, 4) in pixels and ``labels`` (M,).
        encode: Raw boxes of (P, 4) anchors that should be (P, 4) corners.
        decode: Corners of (A, 4) anchors with (A, 4) raw boxes.
        valid: (N, A) bool, anchors that take part; None for all.
    """
    with torch.no_grad():
        targets = [
            _targets(head.assigner, anchors, gt, logits[i], deltas[i], decode,
                     None if valid is None else valid[i])
            for i, gt in enumerate(gts)
        ]
        positive = torch.stack([t.positive for t in targets])
        priors = anchors.expand(len(gts), -1, -1)[positive]
        box_target = encode(priors, torch.cat([t.boxes for t in targets]))
        cls_target = torch.stack([t.cls_target for t in targets])
        ignore = torch.stack([
            torch.zeros_like(t.cls_target, dtype=torch.bool)
            if t.cls_ignore is None else t.cls_ignore for t in targets
        ])
    return dict(
        loss_cls=head.loss_cls(logits, cls_target, ignore),
        loss_bbox=head.loss_bbox(deltas[positive], box_target,
                                 _joint_weight(targets)))


def _targets(assigner: Any, anchors: Tensor, gt: InstanceData, logits: Tensor,
             deltas: Tensor, decode: Coding,
             valid: Tensor | None) -> AnchorTargets:
    """Targets of one image; anchors that are not valid take no part."""
    if valid is not None and not valid.all():
        part = _targets(assigner, anchors[valid], gt, logits[valid],
                        deltas[valid], decode, None)
        positive = torch.zeros_like(valid)
        positive[valid] = part.positive
        target = part.cls_target.new_zeros(logits.shape)
        target[valid] = part.cls_target
        ignore = torch.ones_like(target, dtype=torch.bool)
        ignore[valid] = False if part.cls_ignore is None else part.cls_ignore
        return AnchorTargets(target, ignore, positive, part.boxes,
                             part.box_weight)
    boxes = decode(anchors, deltas) if assigner.needs_predictions else None
    found: AnchorTargets = assigner.assign(anchors, gt, logits.shape[-1],
                                           logits, boxes)
    return found


def _joint_weight(targets: Sequence[AnchorTargets]) -> Tensor | None:
    """Weights of the boxes of a batch, (P,); None if all count alike."""
    weights = [t.box_weight for t in targets if t.box_weight is not None]
    return torch.cat(weights) if weights else None


def build_matcher(cfg: dict | None) -> Any:
    """Build what says which anchor learns what, default IoUMatcher.

    Raises:
        ConfigError: An assigner of MMDetection, which gives one box per
            anchor and neither soft labels nor weights.
    """
    cfg = cfg or dict(type='mmmultas.IoUMatcher')
    matcher = TASK_UTILS.build(cfg)
    if not hasattr(matcher, 'needs_predictions'):
        raise ConfigError(
            f"`model.heads.det.assigner` {cfg['type']!r} is no matcher: take "
            "'mmmultas.IoUMatcher' or 'mmmultas.MutualGuideMatcher', or "
            "MMDetection's own head.")
    return matcher


def sum_loss(cfg: dict | None, default: str) -> SumLoss:
    """Build a loss that keeps numerator and denominator apart.

    Args:
        cfg: Its config; without ``type`` or None, options of ``default``.
        default: Name of a loss of this package.

    Raises:
        ConfigError: It gives a mean, as MMDetection's losses do.
    """
    cfg = dict(dict(type=f'mmmultas.{default}'), **(cfg or {}))
    loss = MODELS.build(cfg)
    if not isinstance(loss, SumLoss):
        raise ConfigError(
            f'`model.heads.det` takes losses that return sums, but '
            f"{cfg['type']!r} returns a mean: use 'mmmultas.{default}' or "
            'derive from mmmultas.models.losses.SumLoss.')
    return loss
