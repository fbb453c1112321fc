import torch

from mmmultas.models.backbones import NoPoolResNet


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
