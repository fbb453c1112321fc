import pytest
import torch
from torch import nn

from mmmultas.models.backbones import Pretrained
from mmmultas.utils.errors import CheckpointError


def _save(tmp_path, state):
    path = tmp_path / 'weights.pth'
    torch.save(state, path)
    return str(path)


def test_fills_under_a_prefix(tmp_path):
    source, target = nn.Linear(2, 3), nn.Linear(2, 3)
    state = {f'encoder.{k}': v for k, v in source.state_dict().items()}
    state['head.weight'] = torch.zeros(9)
    Pretrained(_save(tmp_path, state), prefix='encoder.')(target)
    assert torch.equal(source.weight, target.weight)


def test_translates_keys_of_the_module(tmp_path):

    class Renamed(nn.Linear):

        def rename_key(self, key):
            return key.replace('old_', '')

    state = {'old_weight': torch.ones(3, 2), 'old_bias': torch.ones(3)}
    target = Renamed(2, 3)
    Pretrained(_save(tmp_path, state))(target)
    assert target.weight.eq(1).all()


def test_what_stays_unfilled_is_an_error(tmp_path):
    path = _save(tmp_path, {'weight': torch.ones(3, 2)})
    with pytest.raises(CheckpointError, match='bias'):
        Pretrained(path)(nn.Linear(2, 3))
    with pytest.raises(CheckpointError, match='another shape'):
        Pretrained(path)(nn.Linear(4, 3, bias=False))


def test_a_missing_file_is_an_error():
    with pytest.raises(CheckpointError, match='MMMULTAS_WEIGHTS'):
        Pretrained('nowhere/resnet.pth')(nn.Linear(2, 3))


def test_what_is_not_used_is_said_by_part(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.backbones.pretrained.print_log',
                        lambda text, logger: said.append(text))
    state = {f'{k}': torch.ones(1) for k in (
        '0.weight', '0.bias', '1.0.weight', '1.0.bias', '1.1.bias', 'fc.bias')}
    target = nn.Sequential(nn.Linear(1, 1, bias=False))
    target[0].weight.data = torch.zeros(1)
    Pretrained(_save(tmp_path, state))(target)
    assert said == [f'Sequential: weights of {tmp_path}/weights.pth; not '
                    'used: 0.bias, 1, fc']
