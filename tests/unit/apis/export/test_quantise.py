import os
from collections import Counter

import onnx
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
    graph = onnx.load(out).graph
    kinds = Counter(node.op_type for node in graph.node)
    # ranges are those after ReLU, which is in them
    assert kinds['QuantizeLinear'] and not kinds['Relu']
    one, other = (m(str(pictures[1])) for m in (plain, small))
    alike = (one['seg_map'] == other['seg_map']).mean()
    assert alike > .8
    assert onnxruntime.__version__


def test_pictures_are_needed(exported, tmp_path):
    with pytest.raises(UserError, match='--int8 wants pictures'):
        quantise(exported / 'model.onnx', tmp_path / 'x.onnx', [])
