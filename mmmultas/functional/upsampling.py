"""Convolutions of upsampled maps, computed before upsampling."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ['blocks', 'conv3x3_of_upsampled', 'nine_of_upsampled']


def conv3x3_of_upsampled(x: Tensor,
                         weight: Tensor,
                         bias: Tensor | None = None,
                         factor: int = 4) -> Tensor:
    """What a 3x3 convolution makes of a nearest-upsampled map.

    Equals ``F.conv2d(F.interpolate(x, scale_factor=factor), weight, bias,
    padding=1)`` up to rounding. A pixel of the large map sees one, two or
    four pixels of the small one, and all pixels inside a block see the same:
    nine values per block are computed instead of factor ** 2, from 25
    products per pair of channels instead of 9 * factor ** 2.

    Args:
        x: (N, C, H, W), the map before upsampling.
        weight: (D, C, 3, 3).
        bias: (D,) or None.
        factor: Whole factor of the upsampling, 3 or more.

    Returns:
        Tensor: (N, D, factor * H, factor * W).

    Raises:
        ValueError: ``factor`` is below 3, or the kernel is not 3x3.

    Example:
        >>> x, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3)
        >>> conv3x3_of_upsampled(x, weight, factor=3)[0, 0, 0].tolist()
        [4.0, 6.0, 6.0, 6.0, 6.0, 4.0]
    """
    n, _, h, w = x.shape
    parts = nine_of_upsampled(x, weight, bias, factor)
    out: Tensor = _Blocks.apply(factor, *parts)
    return out.reshape(n, len(weight), h * factor, w * factor)


def nine_of_upsampled(x: Tensor, weight: Tensor, bias: Tensor | None,
                      factor: int) -> tuple[Tensor, ...]:
    """The nine values of each block of :func:`conv3x3_of_upsampled`.

    Args:
        x: (N, C, H, W), the map before upsampling.
        weight: (D, C, 3, 3).
        bias: (D,) or None.
        factor: Whole factor of the upsampling, 3 or more.

    Returns:
        Nine maps (N, D, H, W): of the inside; of the upper, lower, left and
        right side; of the corners nw, ne, sw, se.

    Raises:
        ValueError: ``factor`` is below 3, or the kernel is not 3x3.

    Example:
        >>> x, weight = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 3, 3)
        >>> [int(part) for part in nine_of_upsampled(x, weight, None, 3)]
        [9, 6, 6, 6, 6, 4, 4, 4, 4]
    """
    if factor < 3 or tuple(weight.shape[-2:]) != (3, 3):
        raise ValueError('a 3x3 kernel and a factor of 3 or more are needed, '
                         f'got {tuple(weight.shape[-2:])} and {factor}')
    h, w = x.shape[-2:]
    top, bottom = _merge(weight, 2)
    corners = [*_merge(top, 3), *_merge(bottom, 3)]
    ends = [part[..., None] for part in _merge(weight.sum(3), 2)]
    sides = [part[:, :, None] for part in _merge(weight.sum(2), 2)]
    whole = weight.sum((2, 3))[..., None, None]

    inner = F.conv2d(x, whole, bias)
    upper, lower = F.conv2d(
        x, torch.cat(ends), _repeat(bias, 2), padding=(1, 0)).chunk(2, 1)
    left, right = F.conv2d(
        x, torch.cat(sides), _repeat(bias, 2), padding=(0, 1)).chunk(2, 1)
    nw, ne, sw, se = F.conv2d(
        x, torch.cat(corners), _repeat(bias, 4), padding=1).chunk(4, 1)
    return (
        inner,
        upper[:, :, :h], lower[:, :, 1:], left[..., :w], right[..., 1:],
        nw[:, :, :h, :w], ne[:, :, :h, 1:], sw[:, :, 1:, :w], se[:, :, 1:, 1:])


def blocks(parts: Sequence[Tensor], factor: int) -> Tensor:
    """Nine maps of :func:`nine_of_upsampled` as one, by plain operators.

    For graphs that are written down; :func:`conv3x3_of_upsampled` is faster
    where gradients are wanted.

    Args:
        parts: Nine of (N, D, H, W).
        factor: 3 or more.

    Returns:
        (N, D, factor * H, factor * W).

    Example:
        >>> blocks([torch.full((1, 1, 1, 1), i) for i in range(9)], 3)[0, 0]
        tensor([[5, 1, 6],
                [3, 0, 4],
                [7, 2, 8]])
    """
    inner, upper, lower, left, right, nw, ne, sw, se = parts
    n, d, h, w = inner.shape
    between = factor - 2
    first, middle, last = (
        torch.stack([a, *[b] * between, c], -1).reshape(n, d, h, w * factor)
        for a, b, c in ((nw, upper, ne), (left, inner, right),
                        (sw, lower, se)))
    return torch.stack([first, *[middle] * between, last], 3).reshape(
        n, d, h * factor, w * factor)


class _Blocks(torch.autograd.Function):
    """Write nine maps (N, D, H, W) into blocks (N, D, H, f, W, f).

    By hand, since autograd would copy the whole for each of the nine.
    """

    @staticmethod
    def forward(ctx: Any, factor: int, *parts: Tensor) -> Tensor:
        """The blocks, in the memory order of the first map."""
        inner = parts[0]
        n, d, h, w = inner.shape
        ctx.factor = factor
        if inner.is_contiguous(memory_format=torch.channels_last):
            out = inner.new_empty(n, h, factor, w, factor, d)
            out = out.permute(0, 5, 1, 2, 3, 4)
        else:
            out = inner.new_empty(n, d, h, factor, w, factor)
        for (rows, columns), part in zip(_places(factor), parts):
            out[:, :, :, rows, :, columns] = part[:, :, :, None, :, None]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Each map's gradient is the sum over its pixels of a block."""
        return (None, *[
            _sum(grad[:, :, :, rows, :, columns])
            for rows, columns in _places(ctx.factor)
        ])


def _sum(part: Tensor) -> Tensor:
    """Sum (N, D, H, a, W, b) over a and b, 20 times faster than ``sum``."""
    maps = [x for rows in part.unbind(3) for x in rows.unbind(4)]
    total = maps[0]
    for x in maps[1:]:
        total = total + x
    return total


def _places(factor: int) -> list[tuple[slice, slice]]:
    """Rows and columns of a block that each of the nine maps fills."""
    first, last = slice(0, 1), slice(factor - 1, factor)
    middle = slice(1, factor - 1)
    return [(middle, middle), (first, middle), (last, middle),
            (middle, first), (middle, last), (first, first), (first, last),
            (last, first), (last, last)]


def _merge(weight: Tensor, dim: int) -> list[Tensor]:
    """Kernels of two taps for the first and the last pixel of a block.

    The first pixel sees the block before once and its own twice, the last
    one its own twice and the block after once.
    """
    a, b, c = weight.unbind(dim)
    return [torch.stack([a, b + c], dim), torch.stack([a + b, c], dim)]


def _repeat(bias: Tensor | None, count: int) -> Tensor | None:
    return None if bias is None else bias.repeat(count)
