import os
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError
from mmmultas.utils.safe_globals import Mark, method_of, without_marks


class LooksUp:
    """Asks for an attribute when it is unpickled."""

    def __init__(self, owner, name):
        self.asked = owner, name

    def __reduce__(self):
        return getattr, self.asked


@pytest.mark.parametrize('value', [
    np.float64(1.5), np.int64(3), np.zeros(2, np.uint8),
    np.zeros((2, 2), np.float16), np.bool_(True)
])
def test_numbers_of_numpy(tmp_path, value):
    path = tmp_path / 'x.pth'
    torch.save(dict(x=value, state_dict={}), path)
    assert np.array_equal(load_file(path)['x'], value)


def test_numbers_of_numpy_1(tmp_path):
    """Its functions lie at another address."""
    path = tmp_path / 'x.pth'
    text = pickle.dumps(dict(x=np.float64(1.5), state_dict={}), protocol=2)
    old = text.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
    assert old != text
    # the old file format of torch: magic number, protocol, system, content
    path.write_bytes(b''.join([
        pickle.dumps(0x1950a86a20f9469cfc6c, protocol=2),
        pickle.dumps(1001, protocol=2), pickle.dumps({}, protocol=2), old,
        pickle.dumps([], protocol=2)
    ]))
    assert load_file(path)['x'] == 1.5


def test_curves_are_dropped(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict={}, message_hub=dict(
        log_scalars=dict(loss=HistoryBuffer([1., 2.], [1, 1])),
        runtime_info=dict(iter=2))), path)
    hub = load_file(path)['message_hub']
    assert hub == dict(log_scalars={}, runtime_info=dict(iter=2))


@pytest.mark.parametrize('owner, name', [
    (os, 'system'), (HistoryBuffer.min, '__globals__'), (dict, 'update')
])
def test_other_attributes_are_not_looked_up(tmp_path, owner, name):
    path = tmp_path / 'x.pth'
    if owner is os:  # modules do not pickle: name a class of it
        owner, name = os._wrap_close, '__init__'
    torch.save(dict(x=LooksUp(owner, name), state_dict={}), path)
    with pytest.raises(CheckpointError, match='would execute code'):
        load_file(path)
    with pytest.raises(ValueError, match='must not look up'):
        method_of(owner, name)


def test_marks_go_from_nested_entries():
    data = dict(a=[dict(x=Mark, y=1)], b=(Mark, ), c=Mark)
    assert without_marks(data) == dict(a=[dict(y=1)], b=(Mark, ))


def test_values_that_hold_themselves(tmp_path):
    data = dict(state_dict={})
    data['x'] = data
    torch.save(data, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match='no plain values'):
        load_file(tmp_path / 'x.pth')
