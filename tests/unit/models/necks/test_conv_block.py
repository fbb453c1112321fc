import pytest
import torch
import torch.nn.functional as F

from mmmultas.models.necks import ConvBlock


def test_shape_bias_and_slope():
    block = ConvBlock(3, 5, stride=2).eval()
    x = torch.randn(2, 3, 7, 8)
    out = block(x)
    assert out.shape == (2, 5, 4, 4)
    assert block[0].bias is not None
    linear = block[1](block[0](x))
    torch.testing.assert_close(out, torch.where(linear > 0, linear,
                                                0.1 * linear))


@pytest.mark.parametrize('training', [True, False])
def test_upsampled_input(training):
    torch.manual_seed(0)
    block = ConvBlock(4, 6).train(training)
    x = torch.randn(2, 4, 5, 6)
    plain = block(F.interpolate(x, scale_factor=4))
    torch.testing.assert_close(
        block.forward_upsampled(x, 4), plain, atol=1e-5, rtol=1e-5)


def test_tracing_sees_plain_operators():
    block = ConvBlock(4, 6).eval()
    block.requires_grad_(False)
    traced = torch.jit.trace(
        lambda x: block.forward_upsampled(x, 4), torch.randn(1, 4, 5, 5))
    kinds = [node.kind() for node in traced.inlined_graph.nodes()]
    assert sum('_convolution' in kind for kind in kinds) == 1
    assert any('upsample' in kind for kind in kinds)
