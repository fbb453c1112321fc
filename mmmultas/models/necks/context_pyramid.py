"""Context enhancement, pyramid, FPN and PAFPN of the papers (SPEC 2)."""
from collections.abc import Sequence

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .conv_block import ConvBlock

__all__ = ['ContextEnhancement', 'ContextPAFPN', 'ContextFPN']


def _conv_bn(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels))


class ContextEnhancement(nn.Module):
    """Join two backbone stages and their global context (ThunderNet).

    Args:
        in_channels: Channels of the finer and the coarser stage.
        out_channels: Channels of the result, at the finer stage's stride.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int) -> None:
        super().__init__()
        fine, coarse = in_channels
        self.fine = _conv_bn(fine, out_channels)
        self.coarse = _conv_bn(coarse, out_channels)
        self.context = _conv_bn(coarse, out_channels)
        self.act = nn.LeakyReLU(0.1, inplace=True)

    def forward(self, feats: Sequence[Tensor]) -> Tensor:
        """Map the two stages to one (N, C, H, W) at the finer stride.

        Raises:
            ConfigError: Training with one image, whose 1x1 context map
                gives batch norm a single value.
        """
        fine, coarse = feats
        if self.training and len(fine) == 1:
            raise ConfigError(
                'The context branch of this neck normalises 1x1 maps, which '
                'takes at least two images per process and update: set '
                '`train_dataloader.<stream>.batch_size` to 2 or more.')
        x = self.fine(fine)
        x = x + F.interpolate(self.coarse(coarse), size=x.shape[-2:])
        return self.act(x + self.context(F.adaptive_avg_pool2d(coarse, 1)))


@MODELS.register_module()
class ContextFPN(BaseModule):
    """The papers' encoder top: context, strided pyramid, FPN.

    Args:
        in_channels: Channels of the two backbone stages (strides 8, 16).
        out_channels: Channels of every level.
        num_levels: Levels from stride 8 on; the papers take 4, and 5 for
            inputs of 512 and more.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 out_channels: int = 256,
                 num_levels: int = 4,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if len(in_channels) != 2:
            raise ConfigError('`neck.in_channels` names the channels of two '
                              f'backbone stages, got {list(in_channels)}.')
        self.num_levels = num_levels
        self.cem = ContextEnhancement(in_channels, out_channels)
        self.pyramid = nn.ModuleList(
            ConvBlock(out_channels, out_channels, stride=1 if i == 0 else 2)
            for i in range(num_levels))
        self.laterals = nn.ModuleList(
            ConvBlock(out_channels, out_channels, 1)
            for _ in range(num_levels))
        self.fpn_convs = nn.ModuleList(
            ConvBlock(out_channels, out_channels) for _ in range(num_levels))

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map two stages to ``num_levels`` maps, each half the last."""
        if len(feats) != 2:
            raise ConfigError(
                f'This neck reads two backbone stages but got {len(feats)}: '
                'mend `backbone.out_indices`.')
        x = self.cem(feats)
        levels = []
        for conv in self.pyramid:
            x = conv(x)
            levels.append(x)
        tops = [conv(x) for conv, x in zip(self.laterals, levels)]
        for i in range(self.num_levels - 1, 0, -1):
            tops[i - 1] = tops[i - 1] + F.interpolate(
                tops[i], size=tops[i - 1].shape[-2:])
        return tuple(conv(x) for conv, x in zip(self.fpn_convs, tops))


@MODELS.register_module()
class ContextPAFPN(ContextFPN):
    """:class:`ContextFPN` with a bottom-up path after it.

    Args:
        in_channels: As in :class:`ContextFPN`.
        out_channels: As in :class:`ContextFPN`.
        num_levels: As in :class:`ContextFPN`.
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 out_channels: int = 256,
                 num_levels: int = 4,
                 init_cfg: dict | None = None) -> None:
        super().__init__(in_channels, out_channels, num_levels, init_cfg)
        self.downs = nn.ModuleList(
            ConvBlock(out_channels, out_channels, stride=2)
            for _ in range(num_levels - 1))
        self.pafpn_convs = nn.ModuleList(
            ConvBlock(out_channels, out_channels) for _ in range(num_levels))

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map two stages to ``num_levels`` maps, each half the last."""
        levels = list(super().forward(feats))
        for i, down in enumerate(self.downs):
            levels[i + 1] = levels[i + 1] + down(levels[i])
        return tuple(
            conv(x) for conv, x in zip(self.pafpn_convs, levels))
