import pytest
import torch
import torch.nn.functional as F

from mmmultas.functional.upsampling import (blocks, conv3x3_of_upsampled,
                                            nine_of_upsampled)


def _tensors(memory_format=torch.contiguous_format, bias=True):
    torch.manual_seed(0)
    x = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    weight = torch.randn(4, 5, 3, 3, dtype=torch.float64)
    parts = [
        t.to(memory_format=memory_format).requires_grad_()
        for t in (x, weight)
    ]
    return parts + [
        torch.randn(4, dtype=torch.float64, requires_grad=True)
        if bias else None
    ]


@pytest.mark.parametrize('factor', [3, 4, 5])
@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('bias', [True, False])
def test_as_upsampling_and_convolving(factor, memory_format, bias):
    tensors = _tensors(memory_format, bias)
    x, weight, offset = tensors
    plain = F.conv2d(
        F.interpolate(x, scale_factor=factor), weight, offset, padding=1)
    ours = conv3x3_of_upsampled(x, weight, offset, factor)
    torch.testing.assert_close(ours, plain)
    assert ours.is_contiguous(memory_format=memory_format)
    torch.testing.assert_close(
        blocks(nine_of_upsampled(x, weight, offset, factor), factor), plain)
    inputs = [t for t in tensors if t is not None]
    seed = torch.randn_like(plain)
    for mine, theirs in zip(
            torch.autograd.grad(ours, inputs, seed),
            torch.autograd.grad(plain, inputs, seed)):
        torch.testing.assert_close(mine, theirs)


def test_wrong_arguments():
    x, weight, bias = _tensors()
    with pytest.raises(ValueError, match='factor of 3'):
        conv3x3_of_upsampled(x, weight, bias, 2)
    with pytest.raises(ValueError, match='3x3 kernel'):
        conv3x3_of_upsampled(x, weight[..., :1], bias)
