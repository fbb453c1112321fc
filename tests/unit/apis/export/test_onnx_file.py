import builtins
import json

import pytest
import torch

from mmmultas.apis.export.onnx_file import require_onnx, session_of
from mmmultas.apis.export.verify import compare_core
from mmmultas.utils.errors import UserError


@pytest.mark.parametrize('name', ['model', 'raw'])
def test_the_file_says_what_it_is(exported, name):
    props = session_of(exported / f'{name}.onnx').get_modelmeta()
    meta = json.loads(props.custom_metadata_map['mmmultas'])
    assert meta['form'] == ('raw' if name == 'raw' else 'end_to_end')
    assert meta['size'] == [64, 64] and meta['format'] == 1
    assert meta['tasks']['more']['kind'] == 'boxes'
    assert meta['tasks']['det']['classes'] == ['class 0', 'class 1',
                                               'class 2']
    assert meta['tasks']['det']['nms']['max_per_img'] == 20
    assert meta['tasks']['far']['kind'] == 'depth'


def test_the_core_is_the_network(exported, saved):
    """Any number of pictures at a time."""
    batches = [torch.randn(n, 3, 64, 64) for n in (1, 3)]
    found = compare_core(saved, session_of(exported / 'raw.onnx'), batches)
    assert not found.failed and found.pictures == 4
    saved.model.heads['far'].conv_seg.bias.data += 1
    found = compare_core(saved, session_of(exported / 'raw.onnx'), batches)
    saved.model.heads['far'].conv_seg.bias.data -= 1
    assert found.failed == ['far_map']
    with pytest.raises(UserError, match='far_map: differs'):
        found.check('x.onnx')


def test_a_missing_package_is_named(monkeypatch):
    plain = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'onnxruntime':
            raise ImportError(name=name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(UserError, match='pip install onnx onnxruntime'):
        require_onnx()
