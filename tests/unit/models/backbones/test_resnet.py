import torch

from mmmultas.models.backbones import DilatedResNet, NoPoolResNet


def test_strides_without_the_first_pool():
    net = NoPoolResNet(18)
    fine, coarse = net(torch.randn(2, 3, 64, 64))
    assert fine.shape == (2, 256, 8, 8) and coarse.shape == (2, 512, 4, 4)


def test_everything_trains():
    net = NoPoolResNet(18)
    net.train()
    assert all(p.requires_grad for p in net.parameters())
    assert net.bn1.training


def test_stride_sits_on_the_3x3():
    block = NoPoolResNet(50).layer2[0]
    assert block.conv1.stride == (1, 1) and block.conv2.stride == (2, 2)


def test_dilated():
    net = DilatedResNet(18)
    out, = net(torch.zeros(2, 3, 64, 96))
    assert out.shape == (2, 512, 8, 12)
    assert sum(p.numel() for p in net.parameters()) == 11_176_512
    found = [(c.stride[0], c.dilation[0]) for c in net.layer4.modules()
             if getattr(c, 'kernel_size', None) == (3, 3)]
    assert found == [(1, 2), (1, 4), (1, 4), (1, 4)]
