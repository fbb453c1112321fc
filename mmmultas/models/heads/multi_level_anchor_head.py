"""The papers' detection head (SPEC 2, 3, 4, 7)."""
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmmultas.functional.boxes import decode_boxes, encode_boxes
from mmmultas.registry import MODELS, TASK_UTILS
from mmmultas.structures import DET, asked_boxes, unasked_classes
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision

from ..losses.loss_sum import LossSum
from ..necks.conv_block import ConvBlock
from .best_boxes import best_boxes, box_test_cfg
from .matched_losses import (build_matcher, ignored_boxes, matched_losses,
                             sum_loss)

__all__ = ['MultiLevelAnchorHead']


@MODELS.register_module()
class MultiLevelAnchorHead(BaseDenseHead):
    """RetinaNet's head with weights of its own on every level.

    Args:
        num_classes: Foreground classes C; scores are sigmoids.
        in_channels: Channels of every level.
        stacked_convs: Convolutions of a branch before its last one.
        anchors: Config of the anchors, default :class:`AnchorGrid`.
        assigner: Config of the matcher, default :class:`IoUMatcher`.
        loss_cls: Config of the class loss, default :class:`FocalLoss`.
        loss_bbox: Config of the box loss, default :class:`BalancedL1Loss`.
        test_cfg: ``score_thr``, ``nms_pre`` (candidates per image),
            ``iou_threshold``, ``max_per_img``, ``class_agnostic`` (NMS on
            each anchor's best score, then every class over ``score_thr`` of
            a kept box: the released code's rule).
    """
    #: Names of the terms of :meth:`loss_sums`.
    loss_terms = ('loss_cls', 'loss_bbox')
    #: Images count in which nobody looked for some classes.
    partial_classes = True

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 256,
                 stacked_convs: int = 2,
                 anchors: dict | None = None,
                 assigner: dict | None = None,
                 loss_cls: dict | None = None,
                 loss_bbox: dict | None = None,
                 test_cfg: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.anchors = TASK_UTILS.build(
            anchors or dict(type='mmmultas.AnchorGrid'))
        self.assigner = build_matcher(assigner)
        self.loss_cls = sum_loss(loss_cls, 'FocalLoss')
        self.loss_bbox = sum_loss(loss_bbox, 'BalancedL1Loss')
        self.test_cfg = box_test_cfg(test_cfg, type(self).__name__)

        def branch(out_channels: int) -> nn.Sequential:
            convs = [
                ConvBlock(in_channels, in_channels)
                for _ in range(stacked_convs)
            ]
            return nn.Sequential(*convs,
                                 nn.Conv2d(in_channels, out_channels, 1))

        levels = range(len(self.anchors.strides))
        count = self.anchors.num_base_anchors
        self.cls_branches = nn.ModuleList(
            branch(count * num_classes) for _ in levels)
        self.reg_branches = nn.ModuleList(branch(count * 4) for _ in levels)

    def init_weights(self) -> None:
        """Last convolutions N(0, 0.01), class bias -log(99) (SPEC 2)."""
        for branches in (self.cls_branches, self.reg_branches):
            for branch in branches:
                last = list(branch.modules())[-1]
                assert isinstance(last, nn.Conv2d) and last.bias is not None
                nn.init.normal_(last.weight, std=0.01)
                nn.init.constant_(
                    last.bias,
                    -math.log(99) if branches is self.cls_branches else 0)

    def forward(self,
                feats: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Map levels of (N, C, H, W) to raw scores and boxes per level.

        Raises:
            ConfigError: The neck gives another number of levels.
        """
        if len(feats) != len(self.cls_branches):
            raise ConfigError(
                f'The detection head has anchors for '
                f'{len(self.cls_branches)} levels but got {len(feats)}: make '
                '`anchors.strides` and `neck.num_levels` agree.')
        scores = [net(x) for net, x in zip(self.cls_branches, feats)]
        boxes = [net(x) for net, x in zip(self.reg_branches, feats)]
        return scores, boxes

    def flatten(self, levels: Sequence[Tensor], channels: int) -> Tensor:
        """Join raw level outputs to (N, A, channels) in anchor order."""
        return torch.cat([
            x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, channels)
            for x in levels
        ], 1).float()

    def loss(self, x: Sequence[Tensor],
             batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of a batch in which every sample carries boxes."""
        sums = self.loss_sums(x, batch_data_samples)
        return {name: term.mean() for name, term in sums.items()}

    def loss_sums(self, feats: Sequence[Tensor],
                  samples: SampleList) -> dict[str, LossSum]:
        """The terms of :meth:`loss`, not divided yet.

        Args:
            feats: Levels of (N, C, H, W).
            samples: N samples with ``gt_instances`` in input pixels. Boxes
                in ``ignored_instances`` are neither learnt nor background.
        """
        return self.loss_sums_by_feat(self(feats), samples)

    def anchors_of(self, outputs: Sequence[list[Tensor]],
                   samples: SampleList) -> Tensor:
        """(A, 4) corners in pixels of the anchors that outputs score."""
        scores = outputs[0]
        anchors: Tensor = self.anchors.grid([x.shape[-2:] for x in scores],
                                            scores[0].device)
        return anchors

    def loss_sums_by_feat(self, outputs: Sequence[list[Tensor]],
                          samples: SampleList,
                          uncertain: Tensor | None = None
                          ) -> dict[str, LossSum]:
        """:meth:`loss_sums` of raw outputs, scores and boxes per level.

        Args:
            outputs: Scores and boxes per level.
            samples: N samples with ``gt_instances`` in input pixels.
            uncertain: (N, A, C) bool, entries that take no part where they
                are not positive.
        """
        scores, boxes = outputs
        unasked = unasked_classes([s.metainfo for s in samples], DET,
                                  self.num_classes, scores[0].device)
        return self.loss_by_feat(scores, boxes,
                                 [asked_boxes(sample) for sample in samples],
                                 ignored_boxes(samples), unasked, uncertain)

    def loss_by_feat(self,
                     cls_scores: list[Tensor],
                     bbox_preds: list[Tensor],
                     gts: list[InstanceData],
                     ignored: list[Tensor] | None = None,
                     unasked: Tensor | None = None,
                     uncertain: Tensor | None = None) -> dict[str, LossSum]:
        """Match each image, then score all anchors at once.

        Args:
            cls_scores: Raw scores per level.
            bbox_preds: Raw boxes per level.
            gts: ``bboxes`` and ``labels`` of the N images.
            ignored: (I, 4) boxes of each image in which no anchor is wrong.
            unasked: (N, C) bool, classes that nobody looked for.
            uncertain: (N, A, C) bool, entries that take no part where they
                are not positive.
        """
        logits = self.flatten(cls_scores, self.num_classes)
        deltas = self.flatten(bbox_preds, 4)
        anchors = self.anchors.grid([x.shape[-2:] for x in cls_scores],
                                    logits.device)
        with full_precision():
            return matched_losses(
                self,
                anchors,
                logits,
                deltas,
                gts,
                encode_boxes,
                decode_boxes,
                ignored=ignored,
                per_place=self.anchors.num_base_anchors,
                unasked=unasked,
                uncertain=uncertain)

    def dense_boxes(
            self, outputs: Sequence[list[Tensor]]) -> tuple[Tensor, Tensor]:
        """Scores and boxes of all anchors, for export.

        Args:
            outputs: Scores and boxes per level.

        Returns:
            (N, A, C) in [0, 1] and (N, A, 4) corners in pixels.
        """
        scores, deltas = outputs
        anchors = self.anchors.grid([x.shape[-2:] for x in scores],
                                    scores[0].device)
        return (self.flatten(scores, self.num_classes).sigmoid(),
                decode_boxes(anchors, self.flatten(deltas, 4)))

    def predict_by_feat(self,
                        cls_scores: list[Tensor],
                        bbox_preds: list[Tensor],
                        batch_img_metas: list[dict],
                        cfg: dict | None = None,
                        rescale: bool = False,
                        **kwargs: Any) -> list[InstanceData]:
        """Boxes, scores and labels per image.

        Args:
            cls_scores: Raw scores per level.
            bbox_preds: Raw boxes per level.
            batch_img_metas: ``img_shape`` and, to rescale, ``scale_factor``.
            cfg: Replaces ``test_cfg``.
            rescale: Whether boxes go to the original image's pixels.
        """
        cfg = self.test_cfg if cfg is None else cfg
        scores = self.flatten(cls_scores, self.num_classes).sigmoid()
        deltas = self.flatten(bbox_preds, 4)
        anchors = self.anchors.grid([x.shape[-2:] for x in cls_scores],
                                    scores.device)
        return [
            best_boxes(scores[i], partial(_decoded, anchors, deltas[i]), meta,
                       cfg, rescale)
            for i, meta in enumerate(batch_img_metas)
        ]


def _decoded(anchors: Tensor, deltas: Tensor, index: Tensor) -> Tensor:
    return decode_boxes(anchors[index], deltas[index])
