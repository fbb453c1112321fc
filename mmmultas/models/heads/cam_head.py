"""A classifier whose class activation maps segment."""
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import SampleList
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.functional.class_maps import (class_feature_losses,
                                            class_features, class_maps,
                                            multilabel_losses, scaled_maps)
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.loss_sum import LossSum

__all__ = ['CAMHead']


@MODELS.register_module()
class CAMHead(BaseModule):
    """Mean over all cells, then a linear classifier (CAM, ReCAM).

    Head of a :class:`CAMClassifier`. Its maps are those of the classifier's
    weights (Zhou et al., CVPR 2016); with ``loss_recam_weight`` a second
    classifier learns to tell the features that the maps select, and both
    weights are multiplied (ReCAM, Chen et al., CVPR 2022).

    Args:
        num_classes: Pixel classes K + 1, the background first.
        in_channels: Channels of the level that is read.
        loss_recam_weight: Factor of the second classifier's softmax loss; 0
            has none. The paper takes 1 for VOC and 0.1 for COCO.
        background: Share of a map's highest value below which a pixel is
            background, in predictions. The paper takes 0.21 for VOC and
            0.15 for COCO.
        in_index: The level.
    """
    #: Classes that nobody looked for take no part.
    partial_classes = True
    align_corners = False

    def __init__(self,
                 num_classes: int,
                 in_channels: int,
                 loss_recam_weight: float = 0.0,
                 background: float = 0.21,
                 in_index: int = -1,
                 init_cfg: dict[str, Any] | None = None) -> None:
        super().__init__(init_cfg)
        if num_classes < 2:
            raise ConfigError('`model.heads.seg.num_classes` of a CAMHead '
                              'counts the background and at least one class, '
                              f'got {num_classes}.')
        if not 0 < background < 1:
            raise ConfigError('`model.heads.seg.background` lies between 0 '
                              f'and 1, got {background}.')
        self.num_classes = num_classes
        self.loss_recam_weight = number_of(
            '`model.heads.seg.loss_recam_weight`', loss_recam_weight)
        if loss_recam_weight and num_classes < 3:
            raise ConfigError(
                '`model.heads.seg.loss_recam_weight` tells classes apart and '
                'there is but one beside the background, so that it would '
                'spoil the maps: leave it out.')
        if isinstance(in_index, bool) or not isinstance(in_index, int):
            raise ConfigError('`model.heads.seg.in_index` is the number of a '
                              f'level, not {in_index!r}.')
        self.background = background
        self.in_index = in_index
        self.classifier = nn.Conv2d(in_channels, num_classes - 1, 1,
                                    bias=False)
        self.recam: nn.Conv2d | None = None
        if loss_recam_weight:
            self.recam = nn.Conv2d(in_channels, num_classes - 1, 1,
                                   bias=False)

    @property
    def loss_terms(self) -> tuple[str, ...]:
        """Terms whose counts are those of all processes."""
        return ('loss_cls', 'loss_recam')[:1 + (self.recam is not None)]

    def class_losses(self, feature: Tensor, present: Tensor,
                     known: Tensor) -> dict[str, LossSum]:
        """Losses of N images over their number.

        Args:
            feature: (N, C, h, w).
            present: (N, K) bool, which classes an image shows.
            known: (N, K) bool, of which of them that is known.
        """
        with full_precision():
            feature = feature.float()
            count = feature.new_tensor(float(len(feature)))
            losses = multilabel_losses(self.scores(feature), present, known)
            sums = dict(loss_cls=LossSum(losses.sum(), count))
            if self.recam is not None:
                losses = class_feature_losses(
                    self._recam_logits(feature), present & known)
                total = losses.sum() * self.loss_recam_weight
                sums['loss_recam'] = LossSum(total, count)
        return sums

    def scores(self, feature: Tensor) -> Tensor:
        """Raw scores (N, K) of the classes of (N, C, h, w)."""
        return feature.mean((2, 3)) @ self.classifier.weight[..., 0, 0].t()

    def level(self, feats: Sequence[Tensor]) -> Tensor:
        """The level that is read.

        Raises:
            ConfigError: There are fewer.
        """
        if not -len(feats) <= self.in_index < len(feats):
            raise ConfigError(
                f'`model.heads.seg.in_index` is {self.in_index}, and there '
                f'are {len(feats)} level(s): name one of them, or -1 for the '
                'last one.')
        return feats[self.in_index]

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Maps (N, K, h, w) of levels, at least 0, not scaled."""
        weight = self.classifier.weight
        if self.recam is not None:
            weight = weight * self.recam.weight
        return class_maps(self.level(feats), weight[..., 0, 0])

    def loss(self, feats: Sequence[Tensor], samples: SampleList,
             cfg: Any = None) -> dict[str, Tensor]:
        """Classes of images are what it learns from, not masks.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError("`model.heads.seg` is a CAMHead, which learns which "
                          'classes an image shows: set model.type='
                          "'mmmultas.CAMClassifier'.")

    def predict(self, feats: Sequence[Tensor], metas: Any,
                test_cfg: Any = None) -> Tensor:
        """Scaled maps of the classes that it finds, the background first.

        Args:
            feats: Levels of (N, C, h, w).
            metas: Not used.
            test_cfg: Not used.

        Returns:
            (N, K + 1, h, w); the background's is flat.
        """
        feature = self.level(feats).float()
        shown = self.scores(feature) > 0
        maps = scaled_maps(self([x.float() for x in feats]))
        maps = maps * shown[..., None, None]
        flat = torch.full_like(maps[:, :1], self.background)
        return torch.cat([flat, maps], 1)

    def _recam_logits(self, feature: Tensor) -> Tensor:
        assert self.recam is not None
        maps = scaled_maps(
            class_maps(feature, self.classifier.weight[..., 0, 0]))
        found = class_features(feature, maps)
        return found @ self.recam.weight[..., 0, 0].t()
