import os

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmmultas.models.backbones.safe_loading import filled_share, safe_loading
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import CheckpointError


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path, )


SWIN = dict(
    type='mmdet.SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1),
    num_heads=(1, 1, 1, 1), out_indices=(1, 2), window_size=2)
RESNET = dict(type='mmdet.ResNet', depth=18, out_indices=(1, 2))
CHANNELS = {'mmdet.SwinTransformer': [16, 32], 'mmdet.ResNet': [128, 256]}


def built(backbone, path, **init):
    """A model as a runner makes it, its backbone filled from a file."""
    cfg = toy_model()
    cfg['neck']['in_channels'] = CHANNELS[backbone['type']]
    cfg['backbone'] = dict(backbone, init_cfg=dict(
        type='Pretrained', checkpoint=str(path), **init))
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(ConfigDict(cfg))
        model.init_weights()
    return model


def weights_of(backbone):
    torch.manual_seed(7)
    with DefaultScope.overwrite_default_scope('mmdet'):
        network = MODELS.build(backbone)
    for value in network.parameters():
        nn.init.normal_(value)
    return network.state_dict()


@pytest.mark.parametrize('backbone', [SWIN, RESNET])
def test_files_that_fit_are_taken(tmp_path, backbone, caplog):
    state = weights_of(backbone)
    start = 'backbone.' if backbone is SWIN else ''  # as its authors' files
    torch.save(dict(state_dict={start + k: v for k, v in state.items()}),
               tmp_path / 'x.pth')
    model = built(backbone, tmp_path / 'x.pth')
    assert filled_share(model.backbone, state)[0] > 20
    torch.save({f'backbone.{k}': v for k, v in state.items()},
               tmp_path / 'y.pth')
    if backbone is RESNET:
        model = built(backbone, tmp_path / 'y.pth', prefix='backbone.')
        assert filled_share(model.backbone, state)[1] == []


@pytest.mark.parametrize('backbone', [SWIN, RESNET])
def test_files_of_another_network(tmp_path, backbone):
    torch.save(dict(state_dict=dict(a=torch.rand(3, 3))), tmp_path / 'x.pth')
    words = 'cannot be used by|fill 0 of .*`model.backbone`'
    with pytest.raises(CheckpointError, match=words):
        built(backbone, tmp_path / 'x.pth')
    torch.save(dict(state_dict={'backbone.a': torch.rand(3, 3)}),
               tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='fill 0 of .*`model.backbone`'):
        built(backbone, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='gone.pth'):
        built(backbone, tmp_path / 'gone.pth')


@pytest.mark.parametrize('backbone', [SWIN, RESNET])
def test_files_that_would_run(tmp_path, backbone):
    trap = tmp_path / 'trap'
    torch.save(dict(state_dict=weights_of(backbone), x=Hostile(trap)),
               tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='would execute code'):
        built(backbone, tmp_path / 'x.pth')
    assert not trap.exists()


def test_the_loader_is_put_back(tmp_path):
    before = CheckpointLoader.__dict__['load_checkpoint']
    with pytest.raises(KeyError), safe_loading(nn.Linear(1, 1)):
        assert CheckpointLoader.__dict__['load_checkpoint'] is not before
        raise KeyError
    assert CheckpointLoader.__dict__['load_checkpoint'] is before


def test_zeros_prove_nothing():
    layer = nn.Linear(3, 3)
    nn.init.zeros_(layer.bias)
    assert filled_share(layer, dict(x=torch.zeros(3))) == (0, ['weight'])
    assert filled_share(layer, dict(y=layer.weight.clone())) == (1, [])
