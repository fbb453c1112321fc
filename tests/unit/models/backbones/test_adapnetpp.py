import logging

import pytest
import torch
import torch.nn.functional as F

from mmmultas.models.backbones import AdapNetPPEncoder, Pretrained
from mmmultas.models.backbones.adapnetpp import PreActUnit
from mmmultas.utils.errors import CheckpointError, ConfigError


@pytest.fixture(scope='module')
def small():
    torch.manual_seed(0)
    return AdapNetPPEncoder(base_channels=4).eval()


def test_size_is_the_papers():
    with torch.device('meta'):
        encoder = AdapNetPPEncoder()
    assert sum(p.numel() for p in encoder.parameters()) == 23500358
    assert sum(v.numel() for k, v in encoder.state_dict().items()
               if not k.endswith('num_batches_tracked')) == 23545804


def test_strides_and_channels(small):
    outs = small(torch.randn(1, 3, 64, 96))
    assert [tuple(x.shape[1:]) for x in outs] == [
        (16, 16, 24), (32, 8, 12), (128, 4, 6)]
    assert all((x >= 0).all() for x in outs)


def test_rates_follow_the_text_or_the_code():

    def rates(which):
        blocks = AdapNetPPEncoder(base_channels=4, rates=which).blocks
        return [[unit.conv2.rates for unit in block] for block in blocks]

    text, code = rates('text'), rates('released')
    assert text[0] == [(1, 1)] * 3 and text[1][3] == code[1][3] == (1, 2)
    assert text[2][2:] == [(1, 2), (1, 4), (1, 8), (1, 16)]
    assert text[3] == [(2, 4), (2, 8), (2, 16)]
    assert code[2][2:] == [(1, 2)] * 4 and code[3] == [(2, 2)] * 3


def test_halves_of_a_unit_look_differently_far():
    unit = PreActUnit(8, 16, rates=(1, 3), pre_norm=False, project=True)
    x = torch.randn(1, 4, 9, 9)
    found = unit.conv2(x)
    for part, rate in ((slice(0, 2), 1), (slice(2, 4), 3)):
        torch.testing.assert_close(
            found[:, part],
            F.conv2d(x, unit.conv2.weight[part], padding=rate,
                     dilation=rate))


def test_fewer_outputs_need_fewer_blocks():
    encoder = AdapNetPPEncoder(out_indices=(0, 1), base_channels=4)
    assert len(encoder.blocks) == 2 and len(encoder(
        torch.randn(2, 3, 32, 32))) == 2
    with pytest.raises(ConfigError, match='blocks 0, 1 and 3'):
        AdapNetPPEncoder(out_indices=(2, ))
    with pytest.raises(ConfigError, match="'text' or 'released'"):
        AdapNetPPEncoder(rates='paper')


def torchvision_like(encoder):
    """A file whose keys are torchvision's, with values for every place."""
    keys = ['conv1.weight', 'fc.weight']
    norms = ('weight', 'bias', 'running_mean', 'running_var')
    keys += [f'bn1.{leaf}' for leaf in norms]
    for b, count in enumerate((3, 4, 6, 3), 1):
        for u in range(count):
            unit = f'layer{b}.{u}'
            keys += [f'{unit}.conv{i}.weight' for i in (1, 2, 3)]
            keys += [f'{unit}.bn{i}.{leaf}' for i in (1, 2, 3)
                     for leaf in norms]
        keys += [f'layer{b}.0.downsample.0.weight']
        keys += [f'layer{b}.0.downsample.1.{leaf}' for leaf in norms]
    own = encoder.state_dict()
    state = {}
    for i, key in enumerate(keys):
        place = encoder.rename_key(key)
        shape = own[place].shape if place else (1, )
        state[key] = torch.full(shape, float(i))
    return state


def test_weights_of_a_plain_resnet(tmp_path, caplog):
    encoder = AdapNetPPEncoder(base_channels=4)
    state = torchvision_like(encoder)
    torch.save(state, tmp_path / 'resnet50.pth')
    with caplog.at_level(logging.INFO):
        Pretrained(str(tmp_path / 'resnet50.pth'))(encoder)
    filled = encoder.state_dict()
    for key, place in dict((k, encoder.rename_key(k)) for k in state).items():
        assert place is None or torch.equal(filled[place], state[key])
    # behind the addition: the next unit's, the block's end, the next block's
    assert encoder.rename_key('layer1.0.bn3.bias') == (
        'blocks.0.1.pre_norm.bias')
    assert encoder.rename_key('layer1.2.bn3.bias') == 'ends.0.bias'
    assert encoder.rename_key('layer3.5.bn3.bias') == (
        'blocks.3.0.pre_norm.bias')
    homeless = [key for key in state if encoder.rename_key(key) is None]
    assert len(homeless) == 17  # the classifier, and norms of projections
    assert encoder.image_norm.weight.eq(1).all()
    del state['layer2.1.bn3.bias']
    torch.save(state, tmp_path / 'part.pth')
    with pytest.raises(CheckpointError, match=r'blocks.1.2.pre_norm.bias'):
        Pretrained(str(tmp_path / 'part.pth'))(encoder)
    torch.save({'encoder.weight': torch.ones(1)}, tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match='does not fit'):
        Pretrained(str(tmp_path / 'other.pth'))(encoder)
