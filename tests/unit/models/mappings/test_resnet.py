import torch

from mmmultas.models.backbones import DilatedResNet
from mmmultas.models.mappings import ResNetMapping


def test_it_fits_the_feature_of_the_backbone():
    torch.manual_seed(0)
    net = ResNetMapping(dict(a=2, b=1), base=8)
    found = net([('a', torch.randn(1, 2, 64, 96)),
                 ('b', torch.randn(1, 1, 64, 96))], torch.tensor([0, 1]),
                torch.tensor([0, 0]))
    feat, = DilatedResNet(18, base_channels=8)(torch.randn(1, 3, 64, 96))
    assert found[:1].shape == feat.shape and len(found) == 2


def test_parameters_without_what_is_ours_are_those_of_the_backbone():
    with torch.device('meta'):
        net = ResNetMapping(dict(a=3, b=1))
        backbone = DilatedResNet(18)
    own = sum(p.numel() for p in net.parameters())
    film = sum(p.numel() for p in net.film.parameters())
    more = sum(p.numel() for p in net.inputs['b'].parameters())
    assert own - film - more == sum(p.numel() for p in backbone.parameters())
