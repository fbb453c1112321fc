"""Heads of the networks of MTPSL (SPEC-MTPSL 2), for maps of any kind."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import ModuleList
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from ..backbones.segnet import xavier
from .pixel_head import PixelHead

__all__ = ['AtrousHead', 'SegNetHead']


def _one_level(head: PixelHead, feats: Sequence[Tensor]) -> Tensor:
    """The level that a head reads.

    Raises:
        ConfigError: There are several.
    """
    if len(feats) != 1:
        raise ConfigError(
            f'A {type(head).__name__} reads one level and is given '
            f"{len(feats)}: name it as the head's `inputs`, such as "
            "inputs='neck.0'.")
    return feats[0]


@MODELS.register_module()
class SegNetHead(PixelHead):
    """3x3 and 1x1 convolution, nothing between: (N, C, H, W) to raw maps.

    Args:
        num_classes: Classes of a task of classes; set by other kinds.
        in_channels: Channels of the level that is read.
        **kwargs: Those of :class:`PixelHead`.
    """

    def __init__(self, num_classes: int, in_channels: int = 64,
                 **kwargs: Any) -> None:
        super().__init__(num_classes, **kwargs)
        self.conv = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv_seg = nn.Conv2d(in_channels, num_classes, 1)

    def init_weights(self) -> None:
        """Xavier's normal distribution, biases 0."""
        xavier(self)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map a level (N, C, H, W) to raw maps (N, K, H, W)."""
        maps: Tensor = self.conv_seg(self.conv(_one_level(self, feats)))
        return maps


@MODELS.register_module()
class AtrousHead(PixelHead):
    """Atrous spatial pyramid pooling (DeepLabv3) of one level.

    Args:
        num_classes: Classes of a task of classes; set by other kinds.
        in_channels: Channels of the level that is read.
        channels: Channels of each branch.
        rates: Dilations of the 3x3 branches.
        dropout: Share of the projected map that is dropped in training.
        **kwargs: Those of :class:`PixelHead`.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int = 512,
                 channels: int = 256,
                 rates: Sequence[int] = (12, 24, 36),
                 dropout: float = 0.5,
                 **kwargs: Any) -> None:
        super().__init__(num_classes, **kwargs)
        self.branches = ModuleList(
            [_conv_norm(in_channels, channels, 1)]
            + [_conv_norm(in_channels, channels, 3, rate) for rate in rates])
        self.pool = _conv_norm(in_channels, channels, 1)
        self.project = nn.Sequential(
            *_conv_norm((len(rates) + 2) * channels, channels, 1),
            nn.Dropout(dropout))
        self.conv = _conv_norm(channels, channels, 3)
        self.conv_seg = nn.Conv2d(channels, num_classes, 1)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map a level (N, C, h, w) to raw maps (N, K, h, w)."""
        x = _one_level(self, feats)
        pooled = self._pooled(x.mean((2, 3), keepdim=True))
        parts = [branch(x) for branch in self.branches]
        parts.append(F.interpolate(pooled, x.shape[-2:]))
        maps: Tensor = self.conv_seg(self.conv(
            self.project(torch.cat(parts, 1))))
        return maps


    def _pooled(self, x: Tensor) -> Tensor:
        """The branch of means, which has one value per image and channel.

        Of a single image (the only one that is labelled for its task) there
        is no variance: it is normalised as in evaluation.
        """
        norm: Any = self.pool[1]
        if len(x) > 1 or not norm.training:
            pooled: Tensor = self.pool(x)
            return pooled
        return F.relu(F.batch_norm(
            self.pool[0](x), norm.running_mean, norm.running_var,
            norm.weight, norm.bias, eps=norm.eps))


def _conv_norm(in_channels: int, channels: int, kernel: int,
               dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel,
                  padding=kernel // 2 * dilation, dilation=dilation,
                  bias=False),
        nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
