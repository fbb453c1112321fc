"""MMDetection's anchor heads with this package's matchers and losses."""
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import AnchorHead, RetinaHead, RetinaSepBNHead
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from mmdet.utils import InstanceList, OptInstanceList
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import DET, asked_boxes, unasked_classes
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision

from ..losses.loss_sum import LossSum
from .matched_losses import (build_matcher, ignored_boxes, matched_losses,
                             sum_loss)

__all__ = [
    'MatchedAnchorHeadMixin', 'MatchedRetinaHead', 'MatchedRetinaSepBNHead'
]


class MatchedAnchorHeadMixin(AnchorHead):
    """What makes a head of anchors learn as the papers' (SPEC 3, 4).

    MMDetection's own heads ask an assigner before they look at their
    outputs; mutual guidance needs the outputs, and gives soft labels and
    weights of boxes. Put this class before a head of MMDetection that gives
    raw scores (sigmoids) and raw boxes per level and nothing else; layers,
    names of parameters and prediction stay those of that head, so its
    checkpoints load. The other arguments are that head's.

    Boxes in ``ignored_instances`` are neither learnt nor background, and the
    means are those of all images of an update, as in
    :class:`MultiLevelAnchorHead`.

    Args:
        assigner: Config of the matcher, default :class:`IoUMatcher`.
        loss_cls: Config of the class loss, default :class:`FocalLoss`.
        loss_bbox: Config of the box loss, default :class:`BalancedL1Loss`.

    Raises:
        ConfigError: ``train_cfg`` or ``reg_decoded_bbox`` is set; matcher or
            losses are MMDetection's; the head gives other outputs.
    """
    #: Names of the terms of :meth:`loss_sums`.
    loss_terms = ('loss_cls', 'loss_bbox')
    #: Images count in which nobody looked for some classes.
    partial_classes = True

    def __init__(self,
                 *args: Any,
                 assigner: dict | None = None,
                 loss_cls: dict | None = None,
                 loss_bbox: dict | None = None,
                 train_cfg: dict | None = None,
                 **kwargs: Any) -> None:
        name = type(self).__name__
        if train_cfg:
            raise ConfigError(
                f'{name} matches by its `assigner` and reads no '
                '`train_cfg`: remove it from `model.heads.det`.')
        if kwargs.get('reg_decoded_bbox'):
            raise ConfigError(
                f'{name} learns raw boxes: remove `reg_decoded_bbox` from '
                '`model.heads.det`.')
        super().__init__(
            *args,
            loss_cls=dict(type='mmdet.FocalLoss', use_sigmoid=True),
            loss_bbox=dict(type='mmdet.L1Loss'),
            train_cfg=None,
            **kwargs)
        self.assigner = build_matcher(assigner)
        self.loss_cls = sum_loss(loss_cls, 'FocalLoss')
        self.loss_bbox = sum_loss(loss_bbox, 'BalancedL1Loss')

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
            samples: N samples with ``gt_instances`` in input pixels.
        """
        return self.loss_sums_by_feat(self(feats), samples)

    def anchors_of(self, outputs: Sequence[list[Tensor]],
                   samples: SampleList) -> Tensor:
        """(A, 4) corners in pixels of the anchors that outputs score."""
        anchors, _ = self._anchors(outputs[0], [s.metainfo for s in samples])
        return anchors

    def _anchors(self, scores: Sequence[Tensor],
                 metas: Sequence[dict]) -> tuple[Tensor, Tensor]:
        """All levels' anchors (A, 4), and which of N images have them."""
        # without pad_shape nothing is padded
        metas = [dict(m, pad_shape=m.get('pad_shape', m['img_shape']))
                 for m in metas]
        anchors, flags = self.get_anchors([x.shape[-2:] for x in scores],
                                          metas, scores[0].device)
        return (get_box_tensor(torch.cat(anchors[0])),
                torch.stack([torch.cat(levels) for levels in flags]))

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
        if len(outputs) != 2:
            raise ConfigError(
                f'{type(self).__name__} gives {len(outputs)} outputs: '
                'MatchedAnchorHeadMixin goes before a head of scores and '
                'boxes, such as RetinaHead.')
        scores, boxes = outputs
        return self._sums(scores, boxes, [asked_boxes(s) for s in samples],
                          [s.metainfo for s in samples],
                          ignored_boxes(samples), uncertain)

    def loss_by_feat(
            self,
            cls_scores: list[Tensor],
            bbox_preds: list[Tensor],
            batch_gt_instances: InstanceList,
            batch_img_metas: list[dict],
            batch_gt_instances_ignore: OptInstanceList = None
    ) -> dict[str, Tensor]:
        """Losses of raw scores and boxes per level."""
        ignored = batch_gt_instances_ignore and [
            get_box_tensor(gt.bboxes) for gt in batch_gt_instances_ignore]
        sums = self._sums(cls_scores, bbox_preds, batch_gt_instances,
                          batch_img_metas, ignored or None)
        return {name: term.mean() for name, term in sums.items()}

    def _sums(self, scores: Sequence[Tensor], boxes: Sequence[Tensor],
              gts: InstanceList, metas: Sequence[dict],
              ignored: Sequence[Tensor] | None,
              uncertain: Tensor | None = None) -> dict[str, LossSum]:
        anchors, valid = self._anchors(scores, metas)
        gts = [
            InstanceData(bboxes=get_box_tensor(gt.bboxes), labels=gt.labels)
            for gt in gts
        ]
        with full_precision():
            return matched_losses(
                self,
                anchors,
                _flat(scores, self.cls_out_channels),
                _flat(boxes, self.bbox_coder.encode_size),
                gts,
                self.bbox_coder.encode,
                self.bbox_coder.decode,
                valid=valid,
                ignored=ignored,
                per_place=self.num_base_priors,
                unasked=unasked_classes(metas, DET, self.num_classes,
                                        scores[0].device),
                uncertain=uncertain)


@MODELS.register_module()
class MatchedRetinaHead(MatchedAnchorHeadMixin, RetinaHead):
    """RetinaNet's head, shared over the levels."""


@MODELS.register_module()
class MatchedRetinaSepBNHead(MatchedAnchorHeadMixin, RetinaSepBNHead):
    """RetinaNet's head with convolutions shared and norms per level."""


def _flat(levels: Sequence[Tensor], channels: int) -> Tensor:
    """Join raw level outputs to (N, A, channels) in anchor order."""
    return torch.cat([
        x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, channels) for x in levels
    ], 1).float()
