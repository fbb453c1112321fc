"""A detector whose branches learn boxes of one scale each."""
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.structures import SampleList
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmmultas.functional.boxes import cxcywh_to_xyxy, pairwise_cover
from mmmultas.functional.cell_boxes import (cell_anchors, decode_in_cells,
                                            encode_in_cells, match_shapes)
from mmmultas.functional.losses import focal_loss_sum
from mmmultas.registry import MODELS
from mmmultas.structures import DET, asked_boxes, unasked_classes
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision

from ..losses.loss_sum import LossSum
from .best_boxes import best_boxes, box_test_cfg
from .matched_losses import ignored_boxes
from .trident_block import TridentUnit, conv_leaky

__all__ = ['TridentAnchorHead']

#: YOLOv3's, found on COCO; the paper's are not published.
_ANCHORS = ((10, 13), (16, 30), (33, 23), (30, 61), (62, 45), (59, 119),
            (116, 90), (156, 198), (373, 326))


@MODELS.register_module()
class TridentAnchorHead(BaseDenseHead):
    """Levels brought to one stride, a trident block, YOLO's coding.

    Every box is learnt by the one anchor of all branches whose shape is
    nearest, in the cell of its centre: so small boxes train the branch that
    sees little, large ones the branch that sees far (SPEC-INTERDEPENDENT 2,
    3). It reads any neck.

    Args:
        num_classes: Foreground classes C; scores are sigmoids.
        in_channels: Channels of each level that it reads.
        in_strides: Stride of each level.
        paths: Channels of the convolutions on the way of each level: the
            first are 3x3 and halve the map, until it has ``stride``; the
            others are 1x1; ``()`` takes a level as it is.
        stride: Stride of the cells.
        width: Channels inside the trident units.
        num_units: Trident units.
        dilations: One per branch.
        anchors: Widths and heights in pixels of the network's input, the
            same number for each branch, smallest area first
            (``optimize_anchors.py`` finds them).
        normalizer: What losses are divided by: ``'image'``, the labelled
            images (darknet's way), or ``'positive'``, the boxes.
        ignore_iou: Overlap with a box from which another anchor is not
            background.
        dropout: Share of values dropped before the trident block.
        gamma: Of the focal losses.
        alpha: Of the focal losses.
        test_cfg: As in :class:`MultiLevelAnchorHead`; ``iou_threshold`` is
            0.55.

    Raises:
        ConfigError: Paths that do not lead to ``stride``, anchors that the
            branches cannot share evenly, or another `normalizer`.
    """
    #: Names of the terms of :meth:`loss_sums`.
    loss_terms = ('loss_obj', 'loss_cls', 'loss_xy', 'loss_wh')
    #: Images count in which nobody looked for some classes.
    partial_classes = True

    def __init__(self,
                 num_classes: int,
                 in_channels: Sequence[int] = (280, 280, 256),
                 in_strides: Sequence[int] = (4, 8, 16),
                 paths: Sequence[Sequence[int]] = ((256, 640, 384),
                                                   (640, 384), ()),
                 stride: int = 16,
                 width: int = 256,
                 num_units: int = 3,
                 dilations: Sequence[int] = (1, 2, 3),
                 anchors: Sequence[Sequence[float]] = _ANCHORS,
                 normalizer: str = 'image',
                 ignore_iou: float = 0.5,
                 dropout: float = 0.5,
                 gamma: float = 2.0,
                 alpha: float = 0.25,
                 test_cfg: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        _check(in_channels, in_strides, paths, stride, normalizer)
        if num_units < 1:
            raise ConfigError('`num_units` of TridentAnchorHead is 1 or '
                              f'more, got {num_units}.')
        self.num_classes = num_classes
        self.stride = stride
        self.normalizer = normalizer
        self.ignore_iou = ignore_iou
        self.gamma, self.alpha = gamma, alpha
        self.shapes = _by_branch(anchors, len(dilations))
        self.test_cfg = box_test_cfg(
            test_cfg, type(self).__name__, iou_threshold=0.55)
        self.paths = nn.ModuleList(
            _path(c, stride // s, outs)
            for c, s, outs in zip(in_channels, in_strides, paths))
        channels = sum(
            outs[-1] if outs else c for c, outs in zip(in_channels, paths))
        self.dropout = nn.Dropout(dropout)
        self.trident = nn.ModuleList(
            TridentUnit(channels, width, dilations) for _ in range(num_units))
        outputs = self.shapes.shape[1] * (5 + num_classes)
        self.pred = nn.ModuleList(
            nn.Conv2d(channels, outputs, 1) for _ in dilations)

    def init_weights(self) -> None:
        """Last convolutions N(0, 0.01), bias of scores -log(99)."""
        for net in self.pred:
            assert isinstance(net, nn.Conv2d) and net.bias is not None
            nn.init.normal_(net.weight, std=0.01)
            nn.init.zeros_(net.bias)
            with torch.no_grad():
                net.bias.view(self.shapes.shape[1], -1)[:, 4:] = -math.log(99)

    def forward(self, feats: Sequence[Tensor]) -> tuple[list[Tensor]]:
        """Map the levels to raw outputs (N, A * (5 + C), H, W) per branch.

        Channels are x, y, log w, log h, objectness and classes of each of
        the branch's A anchors.

        Raises:
            ConfigError: It is given more or fewer levels than it reads.
        """
        if len(feats) != len(self.paths):
            raise ConfigError(
                f'`in_channels` of TridentAnchorHead names {len(self.paths)} '
                f'levels, but the head is given {len(feats)}: name what it '
                "reads in `inputs`, for example ('neck.0', 'neck.1').")
        ways = [path(x) for path, x in zip(self.paths, feats)]
        x = self.dropout(torch.cat(_cut(ways), 1))
        for i, unit in enumerate(self.trident):
            x = unit(x, same=i == 0)
        branches = x.chunk(len(self.pred))
        return ([net(part) for net, part in zip(self.pred, branches)], )

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

    def loss_sums_by_feat(self, outputs: tuple[list[Tensor]],
                          samples: SampleList) -> dict[str, LossSum]:
        """:meth:`loss_sums` of raw outputs of :meth:`forward`."""
        unasked = unasked_classes([s.metainfo for s in samples], DET,
                                  self.num_classes, outputs[0][0].device)
        return self.loss_by_feat(outputs[0],
                                 [asked_boxes(sample) for sample in samples],
                                 ignored_boxes(samples), unasked)

    def loss_by_feat(self,
                     maps: list[Tensor],
                     gts: list[InstanceData],
                     ignored: list[Tensor] | None = None,
                     unasked: Tensor | None = None) -> dict[str, LossSum]:
        """Match each image, then score all cells at once.

        Args:
            maps: Raw outputs per branch.
            gts: ``bboxes`` and ``labels`` of the N images.
            ignored: (I, 4) boxes of each image in which no anchor is wrong.
            unasked: (N, C) bool, classes that nobody looked for: an image
                with one does not say what is background.
        """
        raw, anchors = self.flatten(maps), self.anchors(maps)
        with full_precision():
            with torch.no_grad():
                targets, positive, background = self._targets(
                    anchors, maps[0].shape[-1], gts, ignored, unasked)
            return self._sums(raw, targets, positive, background, unasked)

    def _sums(self, raw: Tensor, targets: Tensor, positive: Tensor,
              background: Tensor,
              unasked: Tensor | None) -> dict[str, LossSum]:
        """Sums of raw (N, A, 5 + C) over the P positives and background."""
        found = raw[positive]
        unsure = None
        if unasked is not None:
            unsure = unasked[positive.nonzero()[:, 0]]
        focal = partial(focal_loss_sum, alpha=self.alpha, gamma=self.gamma)
        totals = dict(
            loss_obj=focal(raw[..., 4:5], positive[..., None].to(raw.dtype),
                           ~(positive | background)[..., None]),
            loss_cls=focal(found[:, 5:], targets[:, 4:], unsure),
            loss_xy=2 * F.binary_cross_entropy_with_logits(
                found[:, :2], targets[:, :2], reduction='sum'),
            loss_wh=2 * (found[:, 2:4] - targets[:, 2:4]).square().sum())
        images = raw.new_tensor(float(len(raw)))
        if self.normalizer == 'image':
            return {k: LossSum(v, images) for k, v in totals.items()}
        count = positive.sum().to(raw.dtype)
        # without a box: as if all anchors of one place had one per image
        empty = images * self.shapes.shape[:2].numel()
        return {k: LossSum(v, count, empty) for k, v in totals.items()}

    def _targets(
        self, anchors: Tensor, columns: int, gts: Sequence[InstanceData],
        ignored: Sequence[Tensor] | None, unasked: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the positives of N images learn.

        Returns:
            (P, 4 + C) x, y, log w, log h and classes; (N, A) bool, who is
            positive; (N, A) bool, who is background.
        """
        flat = anchors.reshape(-1, 4)
        positive = torch.zeros(
            len(gts), len(flat), dtype=torch.bool, device=flat.device)
        background = torch.ones_like(positive)
        targets = []
        for i, gt in enumerate(gts):
            match = match_shapes(anchors, gt.bboxes, self.stride, columns,
                                 self.ignore_iou)
            positive[i, match.positive] = True
            background[i] = ~match.ignored & ~positive[i]
            targets.append(torch.cat([
                encode_in_cells(flat[match.positive], gt.bboxes[match.box],
                                self.stride),
                F.one_hot(gt.labels[match.box], self.num_classes)
            ], 1))
            if ignored is not None and len(ignored[i]):
                cover = pairwise_cover(cxcywh_to_xyxy(flat), ignored[i])
                background[i] &= cover.amax(1) <= 0.5
        if unasked is not None:
            background &= ~unasked.any(1)[:, None]
        return torch.cat(targets), positive, background

    def flatten(self, maps: Sequence[Tensor]) -> Tensor:
        """Join the branches to (N, A, 5 + C): branch, row, column, shape."""
        return torch.cat([
            x.permute(0, 2, 3, 1).reshape(
                x.shape[0], -1, 5 + self.num_classes)
            for x in maps
        ], 1).float()

    def anchors(self, maps: Sequence[Tensor]) -> Tensor:
        """Anchors (branches, cells, shapes, 4), centre and size in pixels."""
        size = (maps[0].shape[-2], maps[0].shape[-1])
        return torch.stack([
            cell_anchors(shapes, size, self.stride).view(
                -1, len(shapes), 4)
            for shapes in self.shapes.to(maps[0].device)
        ])

    def dense_boxes(
            self, outputs: tuple[list[Tensor]]) -> tuple[Tensor, Tensor]:
        """Scores and boxes of all anchors, for export.

        Args:
            outputs: Raw outputs of :meth:`forward`.

        Returns:
            (N, A, C) in [0, 1] and (N, A, 4) corners in pixels.
        """
        raw = self.flatten(outputs[0])
        anchors = self.anchors(outputs[0]).reshape(-1, 4)
        scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        return scores, decode_in_cells(anchors, raw[..., :4], self.stride)

    def predict_by_feat(self,
                        maps: list[Tensor],
                        batch_img_metas: list[dict],
                        cfg: dict | None = None,
                        rescale: bool = False,
                        **kwargs: Any) -> list[InstanceData]:
        """Boxes, scores and labels per image.

        Args:
            maps: Raw outputs per branch.
            batch_img_metas: ``img_shape`` and, to rescale, ``scale_factor``.
            cfg: Replaces ``test_cfg``.
            rescale: Whether boxes go to the original image's pixels.
        """
        cfg = self.test_cfg if cfg is None else cfg
        raw, anchors = self.flatten(maps), self.anchors(maps).reshape(-1, 4)
        scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        return [
            best_boxes(scores[i], partial(self._decoded, anchors, raw[i]),
                       meta, cfg, rescale)
            for i, meta in enumerate(batch_img_metas)
        ]

    def _decoded(self, anchors: Tensor, raw: Tensor, index: Tensor) -> Tensor:
        return decode_in_cells(anchors[index], raw[index, :4], self.stride)


def _by_branch(anchors: Sequence[Sequence[float]], count: int) -> Tensor:
    """(branches, shapes, 2), the smallest area first.

    Raises:
        ConfigError: The branches cannot share them evenly.
    """
    shapes = torch.tensor([list(map(float, shape)) for shape in anchors])
    if not len(shapes) or len(shapes) % count or shapes.shape[-1] != 2:
        raise ConfigError(
            f'`anchors` of TridentAnchorHead are {len(anchors)} shapes, but '
            f'`dilations` names {count} branches: give each branch as many '
            '(width, height) pairs.')
    order = shapes.prod(-1).argsort(stable=True)
    return shapes[order].view(count, -1, 2)


def _path(channels: int, factor: int, outs: Sequence[int]) -> nn.Sequential:
    halvings = int(math.log2(factor))
    return nn.Sequential(*[
        conv_leaky(before, after, 3 if i < halvings else 1,
                   2 if i < halvings else 1)
        for i, (before, after) in enumerate(zip([channels, *outs], outs))
    ])


def _cut(maps: Sequence[Tensor]) -> list[Tensor]:
    """Maps of one stride, cut to the smallest."""
    height = min(x.shape[-2] for x in maps)
    width = min(x.shape[-1] for x in maps)
    return [x[..., :height, :width] for x in maps]


def _check(in_channels: Sequence[int], in_strides: Sequence[int],
           paths: Sequence[Sequence[int]], stride: int,
           normalizer: str) -> None:
    if not len(in_channels) == len(in_strides) == len(paths) > 0:
        raise ConfigError(
            'TridentAnchorHead wants as many `in_channels`, `in_strides` and '
            f'`paths`, got {len(in_channels)}, {len(in_strides)} and '
            f'{len(paths)}.')
    for own, outs in zip(in_strides, paths):
        factor = stride / own
        if not (factor >= 1 and math.log2(factor).is_integer()
                and math.log2(factor) <= len(outs)):
            raise ConfigError(
                f'`paths` of TridentAnchorHead has {len(outs)} convolutions '
                f'for a level of stride {own}, too few to reach `stride` '
                f'{stride} by halving.')
    if normalizer not in ('image', 'positive'):
        raise ConfigError("`normalizer` of TridentAnchorHead is 'image' or "
                          f"'positive', got {normalizer!r}.")
