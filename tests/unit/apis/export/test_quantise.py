import os

import onnxruntime
import pytest

import mmmultas_runtime
from mmmultas.apis.export.quantise import quantise
from mmmultas.utils.errors import UserError


@pytest.mark.parametrize('name', ['model', 'raw'])
def test_convolutions_of_eight_bits(exported, pictures, tmp_path, name):
    out = tmp_path / 'small.onnx'
    quantise(exported / f'{name}.onnx', out, pictures)
    plain = mmmultas_runtime.Model(exported / f'{name}.onnx')
    small = mmmultas_runtime.Model(out)
    assert small.meta == plain.meta
    assert os.path.getsize(out) > 0
    nodes = {n.op_type for n in __import__('onnx').load(str(out)).graph.node}
    assert 'QuantizeLinear' in nodes
    one, other = (m(str(pictures[1])) for m in (plain, small))
    alike = (one['seg_map'] == other['seg_map']).mean()
    assert .5 < alike
    assert onnxruntime.__version__


def test_pictures_are_needed(exported, tmp_path):
    with pytest.raises(UserError, match='--int8 wants pictures'):
        quantise(exported / 'model.onnx', tmp_path / 'x.onnx', [])
