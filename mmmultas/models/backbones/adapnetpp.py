"""AdapNet++'s encoder: ResNet-50 with activation first and several scales."""
import re
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

__all__ = ['AdapNetPPEncoder', 'PreActUnit']

#: Batch norm of the released code: decay 0.99.
_MOMENTUM = 0.01
#: Multiscale units, block and unit from 0 → rates of the two halves.
_RATES = {
    'text': {
        (1, 3): (1, 2), (2, 2): (1, 2), (2, 3): (1, 4), (2, 4): (1, 8),
        (2, 5): (1, 16), (3, 0): (2, 4), (3, 1): (2, 8), (3, 2): (2, 16)
    },
    'released': {
        **{(1, 3): (1, 2)},
        **{(2, unit): (1, 2) for unit in range(2, 6)},
        **{(3, unit): (2, 2) for unit in range(3)}
    }
}  # yapf: disable
_UNITS = (3, 4, 6, 3)
#: Blocks whose sums are normalised and activated, and may be returned.
_CLOSED = (0, 1, 3)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, momentum=_MOMENTUM)


class _SplitConv(nn.Conv2d):
    """A 3x3 convolution, half of whose outputs look further (one weight)."""

    def __init__(self, channels: int, stride: int,
                 rates: tuple[int, int]) -> None:
        super().__init__(
            channels, channels, 3, stride=stride, padding=1, bias=False)
        self.rates = rates

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, H / stride, W / stride)."""
        near, far = self.rates
        if near == far:
            return self._at(x, self.weight, near)
        first, second = self.weight.chunk(2)
        return torch.cat(
            [self._at(x, first, near),
             self._at(x, second, far)], 1)

    def _at(self, x: Tensor, weight: Tensor, rate: int) -> Tensor:
        return F.conv2d(x, weight, None, self.stride, rate, rate)


class PreActUnit(nn.Module):
    """Bottleneck unit that normalises and activates first.

    The shortcut carries the sum as it came; a projection reads the activated
    input (SPEC-INTERDEPENDENT 1).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the sum; inside there are a quarter.
        stride: Of the 3x3 convolution and of the projection.
        rates: Dilations of the two halves of the 3x3 convolution's outputs.
        pre_norm: Whether the input still wants batch norm and ReLU.
        project: Whether the shortcut is a 1x1 convolution.
        dropout: Share of values that are dropped before the sum.
        quirk: Whether the projection reads the first convolution's output,
            as the released code does in one unit.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 stride: int = 1,
                 rates: tuple[int, int] = (1, 1),
                 pre_norm: bool = True,
                 project: bool = False,
                 dropout: float = 0.0,
                 quirk: bool = False) -> None:
        super().__init__()
        width = out_channels // 4
        self.pre_norm = _norm(in_channels) if pre_norm else None
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = _norm(width)
        self.conv2 = _SplitConv(width, stride, rates)
        self.bn2 = _norm(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.quirk = quirk
        self.shortcut = nn.Conv2d(
            width if quirk else in_channels,
            out_channels,
            1,
            stride=stride,
            bias=False) if project else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        active = x if self.pre_norm is None else F.relu(self.pre_norm(x))
        inner = F.relu(self.bn1(self.conv1(active)))
        if self.shortcut is not None:
            x = self.shortcut(inner if self.quirk else active)
        inner = F.relu(self.bn2(self.conv2(inner)))
        return x + self.dropout(self.conv3(inner))


@MODELS.register_module()
class AdapNetPPEncoder(BaseModule):
    """Encoder of AdapNet++ (Valada et al., IJCV 2020).

    A full pre-activation ResNet-50 whose last blocks see several scales:
    strides 4, 8, 16, 16. It returns the activated sums of blocks 1, 2 and 4
    (SPEC-INTERDEPENDENT 1). Inputs are normalised RGB.

    Args:
        out_indices: Blocks that are returned, of 0, 1 and 3.
        base_channels: Channels of the stem; the blocks give 4, 8, 16 and 32
            times as many. ImageNet weights fit 64.
        rates: Dilations of the multiscale units: ``'text'``, growing as the
            paper says, or ``'released'``, those of its code.
        dropout: Share of the last unit's values that are dropped; the
            interdependent network takes 0.5, the released code 0.3.
        quirk: Whether the first unit's projection reads what the released
            code reads.
        init_cfg: ImageNet weights:
            ``dict(type='mmmultas.Pretrained',
            checkpoint='torchvision://resnet50')``; a warm start, since their
            network activates last.

    Raises:
        ConfigError: An unknown block, or other `rates`.
    """

    #: Prefixes of entries that published weights do not hold.
    own_entries = ('image_norm.', )

    def __init__(self,
                 out_indices: Sequence[int] = (0, 1, 3),
                 base_channels: int = 64,
                 rates: str = 'text',
                 dropout: float = 0.5,
                 quirk: bool = False,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if not out_indices or set(out_indices) - set(_CLOSED):
            raise ConfigError(
                '`backbone.out_indices` of AdapNetPPEncoder names blocks 0, '
                f'1 and 3, whose ends are activated, got {tuple(out_indices)}.'
            )
        if rates not in _RATES:
            raise ConfigError("`backbone.rates` of AdapNetPPEncoder is 'text' "
                              f"or 'released', got {rates!r}.")
        self.out_indices = tuple(out_indices)
        self.image_norm = _norm(3)
        self.stem = nn.Sequential(
            nn.Conv2d(3, base_channels, 7, stride=2, padding=3, bias=False),
            _norm(base_channels))
        self.blocks = nn.ModuleList()
        self.ends = nn.ModuleDict()
        channels = base_channels
        # what lies behind the last output would be dead weight
        for b, count in enumerate(_UNITS[:max(out_indices) + 1]):
            width = base_channels * 4 * 2**b
            self.blocks.append(nn.Sequential(*[
                PreActUnit(
                    width if u else channels,
                    width,
                    stride=2 if b in (1, 2) and u == 0 else 1,
                    rates=_RATES[rates].get((b, u), (1, 1)),
                    pre_norm=u > 0 or b == 3,
                    project=u == 0,
                    dropout=dropout if (b, u) == (3, 2) else 0.0,
                    quirk=quirk and (b, u) == (0, 0)) for u in range(count)
            ]))
            if b in _CLOSED:
                self.ends[str(b)] = _norm(width)
            channels = width

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (N, 3, H, W) to the blocks of ``out_indices``."""
        x = F.relu(self.stem(self.image_norm(x)))
        x = F.max_pool2d(x, 3, 2, 1)
        outs = {}
        for b, block in enumerate(self.blocks):
            x = block(x)
            if b in _CLOSED:
                x = outs[b] = F.relu(self.ends[str(b)](x))
        return tuple(outs[b] for b in self.out_indices)

    def init_weights(self) -> None:
        """He initialisation, then ``init_cfg`` if there is one."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        super().init_weights()

    def rename_key(self, key: str) -> str | None:
        """Where an entry of torchvision's ResNet-50 belongs.

        None for what has no place: the classifier, and the batch norm of
        projections (SPEC-INTERDEPENDENT 1).
        """
        if key.startswith('conv1.'):
            return key.replace('conv1', 'stem.0')
        if key.startswith('bn1.'):
            return key.replace('bn1', 'stem.1')
        match = re.match(r'layer(\d)\.(\d)\.(.+)\.(\w+)$', key)
        if match is None:
            return None
        block, unit, part, leaf = (int(match[1]) - 1, int(match[2]), match[3],
                                   match[4])
        if block >= len(self.blocks):
            return None
        unit_key = f'blocks.{block}.{unit}'
        if part == 'bn3':
            return f'{self._behind(block, unit)}.{leaf}'
        if part == 'downsample.0':
            return f'{unit_key}.shortcut.{leaf}'
        return None if part == 'downsample.1' else f'{unit_key}.{part}.{leaf}'

    def _behind(self, block: int, unit: int) -> str:
        """The batch norm behind a unit's addition."""
        if unit + 1 < _UNITS[block]:
            return f'blocks.{block}.{unit + 1}.pre_norm'
        if block in _CLOSED:
            return f'ends.{block}'
        return f'blocks.{block + 1}.0.pre_norm'

