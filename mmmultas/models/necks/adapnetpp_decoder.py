"""AdapNet++'s context and decoder, up to the map at stride 4."""
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = ['AdapNetPPDecoder', 'AdapNetPPSides', 'EfficientASPP']

#: Batch norm of the released code: decay 0.99.
_MOMENTUM = 0.01


def conv_bn(in_channels: int,
            out_channels: int,
            kernel_size: int = 1,
            rate: int = 1,
            act: bool = True) -> nn.Sequential:
    """Convolution without bias, batch norm and perhaps ReLU.

    Args:
        in_channels: Channels of the (N, C, H, W) input.
        out_channels: Channels of the output.
        kernel_size: 1 or 3; the size of the map stays.
        rate: Dilation.
        act: Whether a ReLU follows.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            padding=rate * (kernel_size // 2),
            dilation=rate,
            bias=False),
        nn.BatchNorm2d(out_channels, momentum=_MOMENTUM)
    ]
    return nn.Sequential(*layers, *[nn.ReLU(inplace=True)] * act)


def up_bn(channels: int, factor: int) -> nn.Sequential:
    """Transposed convolution by a whole factor, batch norm, no ReLU.

    Args:
        channels: Channels of the (N, C, H, W) input and of the output.
        factor: 2 or 4; the kernel is twice as wide.
    """
    return nn.Sequential(
        nn.ConvTranspose2d(
            channels,
            channels,
            2 * factor,
            stride=factor,
            padding=factor // 2,
            bias=False), nn.BatchNorm2d(channels, momentum=_MOMENTUM))


@MODELS.register_module()
class EfficientASPP(BaseModule):
    """Context at several scales by thin cascades (AdapNet++'s eASPP).

    Serves as a neck on its own: it reads the last level and gives one.

    Args:
        in_channels: Channels of the last backbone level.
        out_channels: Channels of each branch and of the result.
        width: Channels inside the cascades.
        rates: Dilations of the two 3x3 convolutions of each cascade.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int = 256,
                 width: int = 64,
                 rates: Sequence[int] = (3, 6, 12),
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.point = conv_bn(in_channels, out_channels)
        self.cascades = nn.ModuleList(
            nn.Sequential(
                conv_bn(in_channels, width), conv_bn(width, width, 3, rate),
                conv_bn(width, width, 3, rate), conv_bn(width, out_channels))
            for rate in rates)
        self.pooled = conv_bn(in_channels, out_channels)
        self.out = conv_bn(
            out_channels * (len(rates) + 2), out_channels, act=False)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor]:
        """Map levels, of which the last is read, to one (N, C, H, W).

        Raises:
            ConfigError: Training with one image, whose 1x1 context map
                gives batch norm a single value.
        """
        x = feats[-1]
        if self.training and len(x) == 1:
            raise ConfigError(
                'The pooled branch of EfficientASPP normalises 1x1 maps, '
                'which takes at least two images per process and update: set '
                '`train_dataloader.<stream>.batch_size` to 2 or more.')
        pooled = self.pooled(x.mean((2, 3), keepdim=True))
        branches = [self.point(x), *[net(x) for net in self.cascades],
                    pooled.expand(-1, -1, *x.shape[-2:])]
        return (self.out(torch.cat(branches, 1)), )

    def init_weights(self) -> None:
        """He initialisation."""
        he_normal(self)
        super().init_weights()


def he_normal(network: nn.Module) -> None:
    """Fill the convolutions of a network as the released code does."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)


@MODELS.register_module()
class AdapNetPPDecoder(BaseModule):
    """Context, skips and the decoder up to stride 4.

    What follows, from stride 4 to the scores, is
    :class:`AdapNetPPSegHead`: detectors read this neck and do not pay for
    it. Levels: D4, D8 (upsampled map and skip beside each other, strides 4
    and 8) and P16 (context, stride 16); with ``side_channels`` also E4 and
    E8, the encoder's maps alone (SPEC-INTERDEPENDENT 1, 6).

    Args:
        in_channels: Channels of the backbone's levels at strides 4, 8, 16.
        channels: Channels of the decoder.
        skip_channels: Channels of each skip.
        aspp_width: Channels inside the cascades of :class:`EfficientASPP`.
        rates: Dilations of its cascades.
        skips: Whether the decoder sees the encoder's finer maps (the
            paper's figure 1 compares).
        side_channels: Channels of E4 and E8; 0 for none.

    Raises:
        ConfigError: Not three levels.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (256, 512, 2048),
                 channels: int = 256,
                 skip_channels: int = 24,
                 aspp_width: int = 64,
                 rates: Sequence[int] = (3, 6, 12),
                 skips: bool = True,
                 side_channels: int = 0,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        fine, middle, coarse = three_levels(in_channels)
        self.aspp = EfficientASPP(coarse, channels, aspp_width, rates)
        skip = skip_channels if skips else 0
        self.skip8 = conv_bn(middle, skip, act=False) if skips else None
        self.skip4 = conv_bn(fine, skip, act=False) if skips else None
        self.up8 = up_bn(channels, 2)
        self.refine = nn.Sequential(
            conv_bn(channels + skip, channels, 3),
            conv_bn(channels, channels, 3))
        self.up4 = up_bn(channels, 2)
        self.sides = _sides(fine, middle, side_channels)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's three levels to (D4, D8, P16[, E4, E8])."""
        fine, middle, _ = feats
        context, = self.aspp(feats)
        d8 = _beside(self.up8(context), middle, self.skip8)
        d4 = _beside(self.up4(self.refine(d8)), fine, self.skip4)
        sides = [net(x) for net, x in zip(self.sides, (fine, middle))]
        return (d4, d8, context, *sides)

    def init_weights(self) -> None:
        """He initialisation."""
        he_normal(self)
        super().init_weights()


@MODELS.register_module()
class AdapNetPPSides(BaseModule):
    """Context and the encoder's maps, without a decoder: (E4, E8, P16).

    For a detector that reads the encoder, to compare with one that reads
    the decoder (SPEC-INTERDEPENDENT 2).

    Args:
        in_channels: Channels of the backbone's levels at strides 4, 8, 16.
        channels: Channels of the context.
        side_channels: Channels of E4 and E8.
        aspp_width: Channels inside the cascades of :class:`EfficientASPP`.
        rates: Dilations of its cascades.

    Raises:
        ConfigError: Not three levels.
    """

    def __init__(self,
                 in_channels: Sequence[int] = (256, 512, 2048),
                 channels: int = 256,
                 side_channels: int = 280,
                 aspp_width: int = 64,
                 rates: Sequence[int] = (3, 6, 12),
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        fine, middle, coarse = three_levels(in_channels)
        self.aspp = EfficientASPP(coarse, channels, aspp_width, rates)
        self.sides = _sides(fine, middle, side_channels)

    def forward(self, feats: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's three levels to (E4, E8, P16)."""
        sides = [net(x) for net, x in zip(self.sides, feats)]
        return (*sides, *self.aspp(feats))

    def init_weights(self) -> None:
        """He initialisation."""
        he_normal(self)
        super().init_weights()


def three_levels(in_channels: Sequence[int]) -> tuple[int, int, int]:
    """Channels of three levels.

    Raises:
        ConfigError: There are more or fewer.
    """
    if len(in_channels) != 3:
        raise ConfigError(
            '`neck.in_channels` names the channels of three backbone levels '
            f'at strides 4, 8 and 16, got {list(in_channels)}.')
    fine, middle, coarse = in_channels
    return fine, middle, coarse


def _sides(fine: int, middle: int, channels: int) -> nn.ModuleList:
    return nn.ModuleList(
        conv_bn(c, channels, act=False)
        for c in (fine, middle) if channels)


def _beside(x: Tensor, feat: Tensor, skip: nn.Module | None) -> Tensor:
    """A map of the decoder, cut to the encoder's size, and its skip."""
    # odd sizes overshoot by a row: cut
    x = x[..., :feat.shape[-2], :feat.shape[-1]]
    return x if skip is None else torch.cat([x, skip(feat)], 1)
