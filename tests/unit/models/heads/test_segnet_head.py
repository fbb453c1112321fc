import pytest
import torch

from mmmultas.models.backbones import DilatedResNet
from mmmultas.models.heads import AtrousHead, SegNetHead
from mmmultas.utils.errors import ConfigError


def test_parameters():
    with torch.device('meta'):
        counts = [sum(p.numel() for p in SegNetHead(n).parameters())
                  for n in (13, 1, 3)]
        parts = [DilatedResNet(18), *[AtrousHead(n)
                                      for n in (21, 7, 1, 1, 3)]]
    assert counts == [37_773, 36_993, 37_123]
    # ResNet-18 at stride 8 with five heads (SPEC-MTPSL 2)
    assert sum(p.numel() for part in parts
               for p in part.parameters()) == 34_795_873


def test_maps():
    head = SegNetHead(3, in_channels=4)
    head.init_weights()
    assert (head.conv.bias == 0).all()
    assert head((torch.randn(2, 4, 5, 6), )).shape == (2, 3, 5, 6)
    head = AtrousHead(3, in_channels=4, channels=8, rates=(1, 2))
    assert head((torch.randn(2, 4, 5, 6), )).shape == (2, 3, 5, 6)


def test_a_single_image_learns():
    """A task is often labelled in one image of a batch."""
    head = AtrousHead(3, in_channels=4, channels=8, rates=(1, ))
    before = {k: v.clone() for k, v in head.pool.state_dict().items()}
    head((torch.randn(1, 4, 5, 6), )).sum().backward()
    assert head.pool[0].weight.grad.abs().sum() > 0
    assert all(torch.equal(v, before[k])
               for k, v in head.pool.state_dict().items())
    head((torch.randn(2, 4, 5, 6), ))
    assert head.pool[1].num_batches_tracked == 1


def test_one_level():
    level = torch.zeros(1, 4, 2, 2)
    with pytest.raises(ConfigError, match='one level and is given 2'):
        SegNetHead(3, in_channels=4)((level, level))
