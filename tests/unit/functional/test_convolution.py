import itertools

import pytest
import torch
import torch.nn.functional as F

from mmmultas.functional.convolution import depthwise_conv2d, pointwise_conv2d

PADS = [(0, 0, 0, 0), (1, 1, 1, 1), (1, 2, 0, 3), (2, 2, 2, 2)]


def _pair(kernel, stride, pads, dtype=torch.float32, size=(9, 10)):
    """Output and gradients: ours, then PyTorch's of padded images."""
    torch.manual_seed(0)
    x = torch.randn(2, 4, *size).to(dtype).requires_grad_()
    weight = torch.randn(4, 1, *kernel).to(dtype).requires_grad_()
    ours = depthwise_conv2d(x, weight, stride, pads)
    theirs = F.conv2d(F.pad(x, pads), weight, None, stride, 0, 1, 4)
    grad = torch.randn(theirs.shape).to(dtype)
    return [(out, *torch.autograd.grad(out, (x, weight), grad))
            for out in (ours, theirs)]


@pytest.mark.parametrize('pads', PADS)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_equals_pytorchs(pads, dtype):
    """float64 takes the way of bfloat16: an image by phases."""
    kernels = itertools.product((1, 3, 5, 7), (3, 4, 5))
    strides = [(1, 1), (2, 2), (3, 2), (2, 1)]
    for kernel, stride in itertools.product(kernels, strides):
        for ours, theirs in zip(*_pair(kernel, stride, pads, dtype)):
            torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=2e-5)


def test_bfloat16():
    for kernel, stride in itertools.product((3, 5), (1, 2)):
        ours, _ = _pair((kernel, ) * 2, (stride, ) * 2, (1, 2, 1, 2),
                        torch.bfloat16)
        _, exact = _pair((kernel, ) * 2, (stride, ) * 2, (1, 2, 1, 2))
        for value, want in zip(ours, exact):
            assert value.dtype == torch.bfloat16
            error = (value.float() - want).abs().max() / want.abs().max()
            assert error < 0.02


def test_gradients_lie_as_batch_norm_wants_them():
    x = torch.randn(1, 4, 8, 8).contiguous(
        memory_format=torch.channels_last).requires_grad_()
    weight = torch.randn(4, 1, 3, 3)
    out = depthwise_conv2d(x, weight, (2, 2), (0, 1, 0, 1))
    grad, = torch.autograd.grad(out.sum(), x)
    assert grad.is_contiguous(memory_format=torch.channels_last)


def test_what_needs_no_gradient_gets_none():
    weight = torch.randn(4, 1, 3, 3, requires_grad=True)
    x = torch.randn(1, 4, 8, 8)
    depthwise_conv2d(x, weight, (1, 1), (1, 1, 1, 1)).sum().backward()
    assert weight.grad is not None and x.grad is None


def test_second_derivatives_are_refused():
    x = torch.randn(1, 2, 4, 4, requires_grad=True)
    out = depthwise_conv2d(x, torch.randn(2, 1, 3, 3), (1, 1), (1, 1, 1, 1))
    grad, = torch.autograd.grad((out**2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match='once_differentiable'):
        grad.sum().backward()


@pytest.mark.parametrize('shape', [(2, 4, 8, 6), (8, 4, 6, 5), (1, 4, 7, 7),
                                   (16, 4, 2, 2), (3, 4, 1, 1)])
@pytest.mark.parametrize('order', [torch.channels_last,
                                   torch.contiguous_format])
def test_pointwise_equals_pytorchs(shape, order, monkeypatch):
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 1)
    x = torch.randn(shape).contiguous(memory_format=order).requires_grad_()
    weight = torch.randn(5, 4, 1, 1, requires_grad=True)
    bias = torch.randn(5, requires_grad=True)
    grad = torch.randn(shape[0], 5, *shape[2:])
    ours, theirs = (
        (out, *torch.autograd.grad(out, (x, weight, bias), grad))
        for out in (pointwise_conv2d(x, weight, bias),
                    F.conv2d(x, weight, bias)))
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=2e-5)
    if order == torch.channels_last:
        assert ours[0].is_contiguous(memory_format=order)
