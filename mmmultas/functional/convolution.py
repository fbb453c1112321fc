"""Convolutions that PyTorch has no quick way for on a CPU.

oneDNN's kernels for the gradients of depthwise convolutions are good for 3x3
weights and stride 1, and up to thirty times slower for others. A larger
kernel is therefore cut into tiles of 3x3, and a stride into its phases.
"""
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ['depthwise_conv2d', 'pointwise_conv2d']

Pair = tuple[int, int]
_LAST = torch.channels_last
#: From so many images on PyTorch lets oneDNN do 1x1 convolutions.
_MANY = 16


def depthwise_conv2d(x: Tensor, weight: Tensor, stride: Pair,
                     pads: tuple[int, int, int, int]) -> Tensor:
    """``F.conv2d`` of zero-padded images, channel by channel.

    The same numbers up to rounding; first derivatives only.

    Args:
        x: (N, C, H, W).
        weight: (C, 1, k, l).
        stride: Rows and columns.
        pads: Zeros on the left, right, above and below.

    Returns:
        Tensor: (N, C, H', W').

    Example:
        >>> x, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3)
        >>> depthwise_conv2d(x, weight, (1, 1), (1, 1, 1, 1)).flatten()
        tensor([4., 4., 4., 4.])
    """
    out: Tensor = _Depthwise.apply(x, weight, stride, pads)
    return out


def pointwise_conv2d(x: Tensor,
                     weight: Tensor,
                     bias: Tensor | None = None) -> Tensor:
    """``F.conv2d`` of a 1x1 kernel, a fifth faster on one thread.

    There PyTorch takes a slower kernel for fewer than 16 images. Since no
    pixel sees another one, an image whose channels lie side by side is as
    good as several of fewer rows.

    Args:
        x: (N, C, H, W).
        weight: (D, C, 1, 1).
        bias: (D,) or None.

    Returns:
        Tensor: (N, D, H, W).

    Example:
        >>> x = torch.ones(1, 3, 2, 2)
        >>> pointwise_conv2d(x, torch.ones(1, 3, 1, 1)).flatten()
        tensor([3., 3., 3., 3.])
    """
    n, channels, height, width = x.shape
    parts = next((k for k in range(-(-_MANY // max(n, 1)), height + 1)
                  if height % k == 0), 1)
    stock = (n >= _MANY or parts == 1 or torch.get_num_threads() > 1
             or x.dtype != torch.float32 or x.device.type != 'cpu'
             or not x.is_contiguous(memory_format=_LAST))
    if stock:
        return F.conv2d(x, weight, bias)
    rows = x.permute(0, 2, 3, 1).reshape(n * parts, -1, width, channels)
    out = F.conv2d(rows.permute(0, 3, 1, 2), weight, bias)
    return out.permute(0, 2, 3, 1).reshape(n, height, width, -1).permute(
        0, 3, 1, 2)


class _Depthwise(torch.autograd.Function):

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Pair,
                pads: tuple[int, int, int, int]) -> Tensor:
        left, right, top, bottom = pads
        even = left == right and top == bottom
        # a padded copy only where the convolution cannot pad by itself
        padding = (top, left) if even else (0, 0)
        image = x if even else F.pad(x, pads)
        ctx.save_for_backward(image, weight)
        ctx.stride, ctx.padding = stride, padding
        ctx.crop = (slice(None), slice(None),
                    slice(top - padding[0], top - padding[0] + x.shape[2]),
                    slice(left - padding[1], left - padding[1] + x.shape[3]))
        return F.conv2d(image, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        image, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=_LAST)
        of_image = of_weight = None
        if ctx.needs_input_grad[0]:
            # batch norm's backward is 8 times slower for any other layout
            of_image = _image_grad(grad, image, weight, ctx.stride,
                                   ctx.padding)[ctx.crop].contiguous(
                                       memory_format=_LAST)
        if ctx.needs_input_grad[1]:
            of_weight = _weight_grad(grad, image, weight, ctx.stride,
                                     ctx.padding)
        return of_image, of_weight, None, None


def _image_grad(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair,
                padding: Pair) -> Tensor:
    if stride == (1, 1) or grad.dtype == torch.float32:
        return _backward(grad, image, weight, stride, padding, 0)
    # each phase of the image is a convolution of `grad` without a stride
    out = torch.zeros_like(image)
    for row in range(min(stride[0], weight.shape[2])):
        for column in range(min(stride[1], weight.shape[3])):
            taps = weight[:, :, row::stride[0], column::stride[1]].flip(2, 3)
            part = F.conv2d(grad, taps, None, 1,
                            (taps.shape[2] - 1, taps.shape[3] - 1), 1,
                            len(weight))
            top, left = (_skipped(*x)
                         for x in zip((row, column), padding, stride))
            part = part[:, :, top:, left:]
            place = out[:, :, row + stride[0] * top - padding[0]::stride[0],
                        column + stride[1] * left - padding[1]::stride[1]]
            height, width = (min(x) for x in zip(part.shape[2:],
                                                 place.shape[2:]))
            place[:, :, :height, :width] = part[:, :, :height, :width]
    return out


def _skipped(phase: int, padding: int, stride: int) -> int:
    """Steps of a phase that lie in the padding."""
    return max(0, -((phase - padding) // stride))


def _weight_grad(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair,
                 padding: Pair) -> Tensor:
    if max(weight.shape[2:]) <= 3:
        return _backward(grad, image, weight, stride, padding, 1)
    image = F.pad(image, (padding[1], padding[1], padding[0], padding[0]))
    out = torch.empty_like(weight)
    height, width = grad.shape[2:]
    for rows in _tiles(weight.shape[2], stride[0]):
        for columns in _tiles(weight.shape[3], stride[1]):
            part = image[:, :, rows.start::stride[0],
                         columns.start::stride[1]]
            tile = weight[:, :, rows, columns]
            part = part[:, :, :height + tile.shape[2] - 1,
                        :width + tile.shape[3] - 1]
            out[:, :, rows, columns] = _backward(
                grad, part.contiguous(memory_format=_LAST),
                tile.contiguous(), (1, 1), (0, 0), 1)
    return out


def _tiles(size: int, stride: int) -> list[slice]:
    """Taps of a kernel, in slices of at most three that lie a stride apart.

    Slices may overlap: what they share is computed twice, and alike.
    """
    tiles = []
    for phase in range(min(stride, size)):
        taps = list(range(phase, size, stride))
        starts = sorted({*range(0, len(taps) - 2, 2), max(len(taps) - 3, 0)})
        for start in starts:
            part = taps[start:start + 3]
            tiles.append(slice(part[0], part[-1] + 1, stride))
    return tiles


def _backward(grad: Tensor, image: Tensor, weight: Tensor, stride: Pair,
              padding: Pair, which: int) -> Tensor:
    """Gradient of the image (0) or of the weight (1)."""
    grads = torch.ops.aten.convolution_backward(
        grad, image, weight, None, stride, padding, (1, 1), False, (0, 0),
        len(weight), [which == 0, which == 1, False])
    out: Tensor = grads[which]
    return out
