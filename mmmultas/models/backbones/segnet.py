"""SegNet's encoder (SPEC-MTPSL 2): what is pooled where goes along."""
from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = [
    'DEPTHS', 'WIDTHS', 'Pooled', 'SegNetEncoder', 'check_widths',
    'conv_layer', 'xavier'
]

#: Channels and convolutions of the five stages.
WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = (2, 2, 3, 3, 3)


class Pooled(NamedTuple):
    """What the encoder says of a batch.

    Attributes:
        firsts: Output of the first convolution of each stage.
        lasts: Output of the last one, (N, C, H / 2^s, W / 2^s).
        indices: Where each maximum came from.
        pooled: The last pooled map, (N, C, H / 32, W / 32).
    """
    firsts: tuple[Tensor, ...]
    lasts: tuple[Tensor, ...]
    indices: tuple[Tensor, ...]
    pooled: Tensor


def check_widths(widths: Sequence[int], key: str) -> None:
    """Five stages have five widths.

    Raises:
        ConfigError: They have not.
    """
    if len(widths) != len(DEPTHS):
        raise ConfigError(f'`{key}` has a number of channels for each of five '
                          f'stages, not {tuple(widths)}.')


def conv_layer(in_channels: int, channels: int, count: int = 1
               ) -> nn.Sequential:
    """``count`` times [3x3 convolution with bias, batch norm, ReLU]."""
    layers: list[nn.Module] = []
    for i in range(count):
        layers += [nn.Conv2d(in_channels if i == 0 else channels, channels, 3,
                             padding=1),
                   nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def xavier(module: nn.Module) -> None:
    """Xavier's normal distribution for convolutions, biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.xavier_normal_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


@MODELS.register_module()
class SegNetEncoder(BaseModule):
    """Five stages of convolutions, each pooled by 2.

    Args:
        widths: Channels of the stages.
        repeats: Convolutions in place of one (2 makes the deep network).
        in_channels: Channels of images.
    """
    #: It divides the sides of images.
    size_divisor = 32

    def __init__(self,
                 widths: Sequence[int] = WIDTHS,
                 repeats: int = 1,
                 in_channels: int = 3,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        check_widths(widths, 'model.backbone.widths')
        before = [in_channels, *widths[:-1]]
        self.stages = ModuleList([
            ModuleList([conv_layer(a if j == 0 else b, b, repeats)
                        for j in range(depth)])
            for a, b, depth in zip(before, widths, DEPTHS)
        ])
        #: What companions read: the last pooled map.
        self.embedding = nn.Identity()

    def init_weights(self) -> None:
        """Xavier's normal distribution."""
        xavier(self)
        super().init_weights()

    def forward(self, x: Tensor) -> Pooled:
        """Map (N, C, H, W) to what its decoder reads.

        Raises:
            ConfigError: Sides that 32 does not divide.
        """
        height, width = x.shape[-2:]
        if height % 32 or width % 32:
            raise ConfigError(
                f'SegNet halves an image five times, and {height} x {width} '
                'pixels cannot be: let the resize of the pipeline give sides '
                'that 32 divides, or set '
                '`model.data_preprocessor.pad_size_divisor=32`.')
        firsts, lasts, places = [], [], []
        for stage in self.stages:
            first, *others = stage
            x = first(x)
            firsts.append(x)
            for layer in others:
                x = layer(x)
            lasts.append(x)
            x, where = F.max_pool2d(x, 2, return_indices=True)
            places.append(where)
        return Pooled(tuple(firsts), tuple(lasts), tuple(places),
                      self.embedding(x))
