import pytest
import torch
import torch.nn.functional as F

from mmmultas.functional.activations import relu6_


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_equals_pytorchs_to_the_bit(dtype):
    values = torch.randn(4, 5).mul(5).to(dtype)
    values[0, :3] = torch.tensor([0., 6., float('inf')])
    grad, pairs = torch.randn(4, 5).to(dtype), []
    for function in (relu6_, lambda x: F.relu6(x, inplace=True)):
        x = values.clone().requires_grad_()
        out = function(x * 1)
        pairs.append((out, *torch.autograd.grad(out, x, grad)))
    for ours, theirs in zip(*pairs):
        assert torch.equal(ours, theirs)


def test_nothing_is_copied():
    x = torch.randn(3, requires_grad=True)
    y = x * 1
    assert relu6_(y).data_ptr() == y.data_ptr()
    assert relu6_(torch.ones(2)).tolist() == [1, 1]


def test_a_value_that_others_need_is_an_error():
    x = torch.ones(2, requires_grad=True)
    y = x.exp()  # whose gradient is its result
    relu6_(y)
    with pytest.raises(RuntimeError, match='modified by an inplace'):
        y.sum().backward()
