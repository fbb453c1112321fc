"""The convolution of everything outside the backbone (SPEC 2)."""
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from mmmultas.functional.upsampling import (blocks, conv3x3_of_upsampled,
                                            nine_of_upsampled)
from mmmultas.utils.tracing import is_compiling, is_exporting

__all__ = ['ConvBlock']


class ConvBlock(nn.Sequential):
    """Conv2d with bias, batch norm, LeakyReLU(0.1); same padding.

    Args:
        in_channels: Channels of the (N, C, H, W) input.
        out_channels: Channels of the output.
        kernel_size: 1 or 3.
        stride: 1 or 2.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 kernel_size: int = 3,
                 stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride=stride,
                padding=kernel_size // 2), nn.BatchNorm2d(out_channels),
            nn.LeakyReLU(0.1, inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C', H / stride, W / stride)."""
        out: Tensor = super().forward(x)
        return out

    def forward_upsampled(self, x: Tensor, factor: int) -> Tensor:
        """:meth:`forward` of a nearest-upsampled map, for less.

        Args:
            x: (N, C, H, W), the map before upsampling by ``factor``.
            factor: 3 or more.
        """
        conv: Any = self[0]
        if is_exporting() and not self.training:
            # what a pixel goes through alone is done before there are many
            weight, bias = _with_norm(conv, self[1])
            return blocks([self[2](part) for part in nine_of_upsampled(
                x, weight, bias, factor)], factor)
        if is_compiling():
            # plain operators for counting
            return self(F.interpolate(x, scale_factor=factor))
        x = conv3x3_of_upsampled(x, conv.weight, conv.bias, factor)
        out: Tensor = self[2](self[1](x))
        return out


def _with_norm(conv: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that has its batch norm inside."""
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (conv.weight * scale[:, None, None, None],
            (conv.bias - norm.running_mean) * scale + norm.bias)
