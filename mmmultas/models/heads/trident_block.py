"""Residual units that see one map at several dilations (TridentNet)."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ['TridentUnit', 'conv_leaky']

#: Slope of LeakyReLU.
SLOPE = 0.1


def conv_leaky(in_channels: int,
               out_channels: int,
               kernel_size: int = 1,
               stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, LeakyReLU.

    Args:
        in_channels: Channels of the (N, C, H, W) input.
        out_channels: Channels of the output.
        kernel_size: 1 or 3.
        stride: 1 or 2.
    """
    return nn.Sequential(
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False), nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(SLOPE, inplace=True))


class TridentUnit(nn.Module):
    """1x1, 3x3, 1x1 and a sum; branches differ by the dilation alone.

    All branches lie along the batch, so that batch norm sees them jointly
    (SPEC-INTERDEPENDENT 2).

    Args:
        channels: Channels of the input and of the output.
        width: Channels inside.
        dilations: Of the 3x3 convolution, one per branch.
    """

    def __init__(self, channels: int, width: int,
                 dilations: Sequence[int]) -> None:
        super().__init__()
        self.dilations = tuple(dilations)
        self.conv1 = conv_leaky(channels, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Sequential(
            nn.Conv2d(width, channels, 1, bias=False),
            nn.BatchNorm2d(channels))

    def forward(self, x: Tensor, same: bool = False) -> Tensor:
        """Map B branches (B * N, C, H, W) to as many.

        Args:
            x: The branches along the batch, or (N, C, H, W) if ``same``.
            same: Whether all branches begin with one map, which is then
                looked at once.
        """
        inner = self.conv1(x)
        count = len(self.dilations)
        parts = [inner] * count if same else inner.chunk(count)
        inner = torch.cat([
            F.conv2d(part, self.conv2.weight, None, 1, rate, rate)
            for part, rate in zip(parts, self.dilations)
        ])
        inner = F.leaky_relu(self.bn2(inner), SLOPE)
        shortcut = x.repeat(count, 1, 1, 1) if same else x
        return F.leaky_relu(shortcut + self.conv3(inner), SLOPE)
