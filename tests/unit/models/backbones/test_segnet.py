import pytest
import torch

from mmmultas.models.backbones import SegNetEncoder
from mmmultas.utils.errors import ConfigError

WIDTHS = (4, 4, 8, 8, 8)


def test_what_it_says():
    torch.manual_seed(0)
    net = SegNetEncoder(WIDTHS)
    net.init_weights()
    found = net(torch.randn(2, 3, 32, 64))
    assert [tuple(x.shape[1:]) for x in found.lasts] == [
        (4, 32, 64), (4, 16, 32), (8, 8, 16), (8, 4, 8), (8, 2, 4)]
    assert [x.shape for x in found.firsts] == [x.shape for x in found.lasts]
    assert found.pooled.shape == (2, 8, 1, 2)
    torch.testing.assert_close(
        found.lasts[4].flatten(2).gather(2, found.indices[4].flatten(2)),
        found.pooled.flatten(2))


def test_parameters():
    with torch.device('meta'):
        net = SegNetEncoder()
    assert sum(p.numel() for p in net.parameters()) == 14_723_136


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match='48 x 64 pixels cannot be'):
        SegNetEncoder(WIDTHS)(torch.zeros(1, 3, 48, 64))
    with pytest.raises(ConfigError, match='each of five'):
        SegNetEncoder((4, 8))
