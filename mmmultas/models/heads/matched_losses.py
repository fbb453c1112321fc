"""From matched anchors to the sums of a head's losses (SPEC 3, 4)."""
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.functional.boxes import pairwise_cover
from mmmultas.registry import MODELS, TASK_UTILS
from mmmultas.structures import asked_boxes
from mmmultas.utils.errors import ConfigError

from ..assigners import AnchorTargets
from ..losses.loss_sum import LossSum, SumLoss

__all__ = ['build_matcher', 'ignored_boxes', 'matched_losses', 'sum_loss']

#: (anchors, corners) to raw boxes, or (anchors, raw boxes) to corners.
Coding = Callable[[Tensor, Tensor], Tensor]


def matched_losses(head: Any,
                   anchors: Tensor,
                   logits: Tensor,
                   deltas: Tensor,
                   gts: Sequence[InstanceData],
                   encode: Coding,
                   decode: Coding,
                   valid: Tensor | None = None,
                   ignored: Sequence[Tensor] | None = None,
                   per_place: int = 1,
                   unasked: Tensor | None = None,
                   uncertain: Tensor | None = None) -> dict[str, LossSum]:
    """Match each image, then score all anchors at once.

    Anchors that lie by more than half in an ignored box, and match no other,
    take no part. Where no anchor of the joint batch is positive, the class
    loss is divided by images x ``per_place``: as if each image had one
    object that all anchors of one place match.

    Args:
        head: Its ``assigner`` matches; ``loss_cls`` and ``loss_bbox`` score.
        anchors: (A, 4) corners in pixels.
        logits: (N, A, C) raw scores.
        deltas: (N, A, 4) raw boxes.
        gts: N times ``bboxes`` (M, 4) in pixels and ``labels`` (M,).
        encode: Raw boxes of (P, 4) anchors that should be (P, 4) corners.
        decode: Corners of (A, 4) anchors with (A, 4) raw boxes.
        valid: (N, A) bool, anchors that take part; None for all.
        ignored: N times (I, 4) corners of boxes that are neither objects nor
            background (crowds); None for none.
        per_place: Anchors of one place.
        unasked: (N, C) bool, classes that nobody looked for in an image: no
            anchor is wrong about them. None for none.
        uncertain: (N, A, C) bool, entries that take no part where they are
            not positive. None for none.
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
        if ignored is not None:
            hidden = torch.stack([_hidden(anchors, b) for b in ignored])
            ignore = ignore | (hidden & ~positive)[..., None]
        if unasked is not None:
            ignore |= unasked[:, None]
        if uncertain is not None:
            ignore |= uncertain & (cls_target == 0)
    loss_cls = head.loss_cls(logits, cls_target, ignore)
    places = loss_cls.count.new_tensor(float(len(gts) * per_place))
    return dict(
        loss_cls=LossSum(loss_cls.total, loss_cls.count, places),
        loss_bbox=head.loss_bbox(deltas[positive], box_target,
                                 _joint_weight(targets)))


def _hidden(anchors: Tensor, boxes: Tensor) -> Tensor:
    """(A,) bool: whether more than half of an anchor lies in one box."""
    if not len(boxes):
        return torch.zeros(len(anchors), dtype=torch.bool,
                           device=anchors.device)
    return pairwise_cover(anchors, boxes).amax(1) > 0.5


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


def ignored_boxes(samples: Sequence[Any]) -> list[Tensor]:
    """(I, 4) corners of each sample's ``ignored_instances``."""
    return [
        get_box_tensor(asked_boxes(sample, 'ignored_instances').bboxes)
        if 'ignored_instances' in sample else
        get_box_tensor(sample.gt_instances.bboxes)[:0] for sample in samples
    ]
