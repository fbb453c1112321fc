import torch

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
