import pytest
import torch

from mmmultas.models.necks import (AdapNetPPDecoder, AdapNetPPSides,
                                   EfficientASPP)
from mmmultas.utils.errors import ConfigError

SMALL = dict(in_channels=(4, 6, 8), channels=8, aspp_width=4, rates=(1, 2))


def levels(count=2, height=32, width=48):
    return tuple(
        torch.randn(count, c, -(-height // s), -(-width // s))
        for c, s in zip(SMALL['in_channels'], (4, 8, 16)))


def test_size_is_the_papers():
    with torch.device('meta'):
        neck = AdapNetPPDecoder()
    assert sum(p.numel() for p in neck.parameters()) == 5396704
    assert sum(p.numel() for p in neck.aspp.parameters()) == 2044032


def test_levels():
    neck = AdapNetPPDecoder(**SMALL, skip_channels=3, side_channels=5)
    shapes = [tuple(x.shape[1:]) for x in neck(levels())]
    assert shapes == [(11, 8, 12), (11, 4, 6), (8, 2, 3), (5, 8, 12),
                      (5, 4, 6)]
    plain = AdapNetPPDecoder(**SMALL, skips=False)
    assert [x.shape[1] for x in plain(levels())] == [8, 8, 8]
    sides = AdapNetPPSides(**SMALL, side_channels=5)
    assert [tuple(x.shape[1:]) for x in sides(levels())] == [
        (5, 8, 12), (5, 4, 6), (8, 2, 3)]


def test_sides_that_no_stride_divides():
    neck = AdapNetPPDecoder(**SMALL)
    feats = levels(height=37, width=51)
    d4, d8, context = neck(feats)
    assert d4.shape[-2:] == feats[0].shape[-2:]
    assert d8.shape[-2:] == feats[1].shape[-2:]
    assert context.shape[-2:] == feats[2].shape[-2:]


def test_skips_carry_the_encoder():
    neck = AdapNetPPDecoder(**SMALL, skip_channels=3).eval()
    feats = levels()
    before = neck(feats)
    moved = neck((feats[0] + 1, *feats[1:]))
    assert torch.equal(before[0][:, :8], moved[0][:, :8])
    assert not torch.equal(before[0][:, 8:], moved[0][:, 8:])


def test_context_reaches_every_place():
    neck = EfficientASPP(8, 6, 4, rates=(1, )).eval()
    x = torch.randn(1, 8, 9, 9)
    before, = neck([x])
    x[..., 8, 8] += 10
    assert (neck([x])[0] != before)[..., 0, 0].any()


def test_a_batch_of_one_names_the_key():
    for neck in (AdapNetPPDecoder(**SMALL), AdapNetPPSides(**SMALL)):
        with pytest.raises(ConfigError, match='batch_size'):
            neck(levels(1))
        neck.eval()(levels(1))


def test_three_levels_are_wanted():
    with pytest.raises(ConfigError, match='three backbone levels'):
        AdapNetPPDecoder(in_channels=(4, 8))
