"""The mapping network beside a dilated ResNet-18 (PASCAL-Context)."""
from collections.abc import Mapping

import torch.nn.functional as F
from mmengine.model import ModuleDict, ModuleList
from torch import Tensor, nn

from mmmultas.registry import MODELS

from .base import ConvNorm, FiLM, PairMapping

__all__ = ['ResNetMapping']

#: Channels, stride and dilation of the stages: those of `DilatedResNet`.
_STAGES = ((1, 1, 1), (2, 2, 1), (4, 1, 2), (8, 1, 4))


class _Block(nn.Module):
    """Two 3x3 convolutions with FiLM behind both norms, and a shortcut."""

    def __init__(self, in_channels: int, channels: int, stride: int,
                 first: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, channels, 3, stride, first, False)
        self.conv2 = ConvNorm(channels, channels, 3, 1, dilation, False)
        self.shortcut = (None if in_channels == channels else
                         ConvNorm(in_channels, channels, 1, stride,
                                  bias=False))

    def forward(self, x: Tensor, films: tuple) -> Tensor:
        """(M, C, h, w) to (M, D, h', w')."""
        y = self.conv2(F.relu_(self.conv1(x, films[0])), films[1])
        return F.relu_(y + (x if self.shortcut is None else
                            self.shortcut(x)))


@MODELS.register_module()
class ResNetMapping(PairMapping):
    """ResNet-18's blocks at stride 8; a first convolution for each task.

    The paper says "ResNet-18 with one input convolution per task before the
    residual blocks"; that FiLM stands behind each norm of a block is ours.

    Args:
        channels: Task → channels of its maps; given by the companion.
        base: Channels of the input layers.
        conditioned: Whether the trunk knows the pair (FiLM).
    """
    shown_layer = 'blocks.6'

    def __init__(self,
                 channels: Mapping[str, int],
                 base: int = 64,
                 conditioned: bool = True) -> None:
        super().__init__(channels, conditioned)
        self.inputs = ModuleDict({
            task: nn.Sequential(ConvNorm(count, base, 7, 2, bias=False),
                                nn.ReLU(inplace=True),
                                nn.MaxPool2d(3, 2, 1))
            for task, count in channels.items()
        })
        self.blocks, widths, before = ModuleList(), [], base
        for times, stride, dilation in _STAGES:
            for i in range(2):
                # the convolution that would halve is dilated by half
                first = max(dilation // 2, 1) if i == 0 else dilation
                self.blocks.append(_Block(
                    before, base * times, stride if i == 0 else 1, first,
                    dilation))
                widths += [base * times] * 2
                before = base * times
        self.out_channels = before
        self.film = ModuleList([FiLM(width, self.pairs) for width in widths]
                               if conditioned else [])

    def trunk(self, x: Tensor, index: Tensor, columns: Tensor) -> Tensor:
        """(U, C, H / 4, W / 4) to (M, D, H / 8, W / 8)."""
        x = x[index]
        for number, block in enumerate(self.blocks):
            films = (self.condition(columns, 2 * number),
                     self.condition(columns, 2 * number + 1))
            x = block(x, films)
        return x
