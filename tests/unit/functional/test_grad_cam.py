import naive_grad_cam
import pytest
import torch

from mmmultas.functional.grad_cam import grad_cam, sum_levels, to_unit_range


def test_equals_the_loop():
    activation, gradient = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    expected = torch.tensor(
        naive_grad_cam.grad_cam(activation.tolist(), gradient.tolist()),
        dtype=torch.float64)
    assert torch.allclose(grad_cam(activation, gradient), expected)
    assert (expected > 0).any() and (expected == 0).any()


def test_a_linear_score_gives_its_own_map():
    """Class activation mapping, of which Grad-CAM is the general form."""
    activation = torch.rand(6, 4, 5, requires_grad=True)
    weight = torch.randn(6)
    score = (weight @ activation.mean(dim=(1, 2)))
    gradient, = torch.autograd.grad(score, activation)
    plain = torch.einsum('c,chw->hw', weight, activation.detach()).relu()
    assert torch.allclose(grad_cam(activation.detach(), gradient),
                          plain / 20, atol=1e-7)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r'\(2, 3, 3\) and \(2, 3, 4\)'):
        grad_cam(torch.zeros(2, 3, 3), torch.zeros(2, 3, 4))


def test_levels_keep_their_places():
    fine, coarse = torch.zeros(8, 8), torch.zeros(4, 4)
    fine[1, 1], coarse[3, 3] = 1, 2
    both = sum_levels([fine, coarse], (32, 32))
    assert both.shape == (32, 32)
    assert both[4:8, 4:8].min() > 0 and both[24:, 24:].min() > 0
    assert both[16:20, :20].max() == 0
    assert to_unit_range(both).max() == 1
