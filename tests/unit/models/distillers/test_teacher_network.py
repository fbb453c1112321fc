import pytest
import torch
from mmengine.registry import init_default_scope

from mmmultas.models.distillers.teacher_network import (run_recorded,
                                                        teacher_network)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import CheckpointError, ConfigError


@pytest.fixture
def saved(tmp_path):
    init_default_scope('mmdet')
    cfg = toy_model()
    state = MODELS.build(cfg).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'x.pth')
    return cfg, str(tmp_path / 'x.pth'), state


def test_filled_and_frozen(saved):
    cfg, path, state = saved
    # a student turned teacher; its checkpoint fills all
    network = teacher_network('x', dict(architecture=cfg), path, None)
    assert all(v.equal(state[k]) for k, v in network.state_dict().items())
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_no_more_runs_than_is_recorded(saved):
    network = teacher_network('x', *saved[:2], None)
    runs = []
    for name in ('backbone', 'heads.det', 'heads.seg'):
        network.get_submodule(name).register_forward_hook(
            lambda *a, name=name: runs.append(name))
    run_recorded(network, torch.zeros(1, 3, 64, 64), ['heads.seg.conv_seg'])
    assert runs == ['backbone', 'heads.seg']
    run_recorded(network, torch.zeros(1, 3, 64, 64), ['neck'])
    assert runs[2:] == ['backbone']


def test_errors(saved, tmp_path):
    with pytest.raises(ConfigError, match='teachers.x.cfg.*a.py does not'):
        teacher_network('x', 'a.py', saved[1], None)
    with pytest.raises(CheckpointError, match='teachers.x.checkpoint`: .*y'):
        teacher_network('x', saved[0], str(tmp_path / 'y.pth'), None)
