"""From the scores of all places to the boxes that a head puts out."""
from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmcv.ops import batched_nms
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.utils.errors import ConfigError

__all__ = ['best_boxes', 'box_test_cfg']

#: Settings of prediction and their defaults.
TEST_CFG: dict[str, Any] = dict(
    score_thr=0.05,
    nms_pre=1000,
    iou_threshold=0.5,
    max_per_img=200,
    class_agnostic=False)


def box_test_cfg(given: Mapping[str, Any] | None, name: str,
                 **defaults: Any) -> dict[str, Any]:
    """Settings of prediction.

    Args:
        given: ``head.test_cfg`` of a config.
        name: The head's type, for messages.
        **defaults: Where this head differs from :data:`TEST_CFG`.

    Raises:
        ConfigError: An unknown key.
    """
    given = given or {}
    unknown = sorted(set(given) - set(TEST_CFG))
    if unknown:
        hint = ('; the threshold of `nms` is `iou_threshold` here'
                if 'nms' in unknown else '')
        raise ConfigError(
            f'`test_cfg` of {name} has no key '
            f'{unknown[0]!r}: it has {sorted(TEST_CFG)}{hint}.')
    cfg = {**TEST_CFG, **defaults, **given}
    for key in ('nms_pre', 'max_per_img'):
        if cfg[key] < 1:  # all, as in MMDetection
            cfg[key] = 10**9
    return cfg


def best_boxes(scores: Tensor, decode: Callable[[Tensor], Tensor],
               meta: Mapping[str, Any], cfg: Mapping[str, Any],
               rescale: bool) -> InstanceData:
    """Boxes, scores and labels of one image, the best first.

    Args:
        scores: (A, C) in [0, 1].
        decode: Corners (P, 4) in pixels of (P,) indices of places.
        meta: ``img_shape`` and, to rescale, ``scale_factor``.
        cfg: See :func:`box_test_cfg`.
        rescale: Whether boxes go to the original image's pixels.
    """
    agnostic = cfg['class_agnostic']
    if agnostic:
        best, label = scores.max(dim=1)
        index = (best > cfg['score_thr']).nonzero().squeeze(1)
        score, label = best[index], label[index]
    else:
        index, label = (scores > cfg['score_thr']).nonzero().unbind(1)
        score = scores[index, label]
    score, order = score.sort(descending=True, stable=True)
    order = order[:cfg['nms_pre']]
    score = score[:cfg['nms_pre']]
    index, label = index[order], label[order]
    boxes = decode(index)
    height, width = meta['img_shape'][:2]
    limit = boxes.new_tensor([width, height, width, height])
    boxes = torch.minimum(boxes.clamp(min=0), limit)
    if rescale:
        boxes = boxes / boxes.new_tensor(meta['scale_factor']).repeat(2)
    if len(boxes):
        _, keep = batched_nms(
            boxes, score, label,
            dict(type='nms', iou_threshold=cfg['iou_threshold']),
            class_agnostic=agnostic)
        boxes, score, label = boxes[keep], score[keep], label[keep]
        if agnostic:
            row, label = (scores[index[keep]] >
                          cfg['score_thr']).nonzero().unbind(1)
            boxes, score = boxes[row], scores[index[keep][row], label]
            score, order = score.sort(descending=True, stable=True)
            boxes, label = boxes[order], label[order]
    top = cfg['max_per_img']
    return InstanceData(
        bboxes=boxes[:top], scores=score[:top], labels=label[:top])
