import builtins
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config

from mmmultas.apis.export.graphs import CoreGraph
from mmmultas.apis.export.onnx_file import (export_onnx, require_onnx,
                                            session_of, write_by_torchscript)
from mmmultas.apis.export.verify import compare_core
from mmmultas.apis.saved_model import load_saved_model
from mmmultas.models.backbones.efficientnet_lite import SameConv2d
from mmmultas.models.necks import ConvBlock
from mmmultas.registry import MODELS
from mmmultas.testing import SHAPES
from mmmultas.utils.errors import ConfigError, UserError

onnx = pytest.importorskip('onnx')
ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize('name', ['model', 'raw'])
def test_the_file_says_what_it_is(exported, name):
    props = session_of(exported / f'{name}.onnx').get_modelmeta()
    meta = json.loads(props.custom_metadata_map['mmmultas'])
    assert meta['form'] == ('raw' if name == 'raw' else 'end_to_end')
    assert meta['size'] == [64, 64] and meta['format'] == 1
    assert meta['tasks']['more']['kind'] == 'boxes'
    assert meta['tasks']['det']['classes'] == list(SHAPES)
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


def test_a_convolution_of_an_enlarged_map_stays_small(tmp_path):
    """It is computed before the map is enlarged; BN is inside."""
    block = ConvBlock(4, 6).eval()
    torch.nn.init.uniform_(block[1].running_var, .5, 2)
    torch.nn.init.normal_(block[1].running_mean)

    class Graph(torch.nn.Sequential):
        def forward(self, x):
            return self[0].forward_upsampled(x, 4)

    x = torch.randn(2, 4, 5, 6)
    wanted = block(F.interpolate(x, scale_factor=4))
    path = tmp_path / 'x.onnx'
    with torch.no_grad():
        write_by_torchscript(Graph(block).eval(), x, path, (['x'], ['y']),
                             {'x': {0: 'batch'}})
    found = session_of(path).run(None, {'x': x.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(found), wanted,
                               rtol=1e-4, atol=1e-5)
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert 'Resize' not in kinds and kinds.count('Conv') == 4


def test_uneven_padding_is_part_of_its_convolution(tmp_path):
    """onnxruntime joins them if all pads are known."""
    conv = SameConv2d(3, 4, 3, stride=2).eval()
    path = tmp_path / 'x.onnx'
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        write_by_torchscript(conv, x, path, (['x'], ['y']),
                             {'x': {0: 'batch'}})
    runtime = pytest.importorskip('onnxruntime')
    options = runtime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / 'joined.onnx')
    session = runtime.InferenceSession(str(path), options)
    torch.testing.assert_close(
        torch.from_numpy(session.run(None, {'x': x.numpy()})[0]), conv(x))
    joined = onnx.load(tmp_path / 'joined.onnx').graph.node
    assert 'Pad' not in [node.op_type for node in joined]


def test_what_is_no_number_differs(exported, saved):

    class Session:
        def get_outputs(self):
            return session_of(exported / 'raw.onnx').get_outputs()

        def run(self, names, inputs):
            return [x * float('nan') for x in session_of(
                exported / 'raw.onnx').run(names, inputs)]

    found = compare_core(saved, Session(), [torch.randn(1, 3, 64, 64)])
    assert len(found.failed) == len(found.lines)


@pytest.mark.parametrize('name', [
    'interdependent/efflite0_trident_mtl_voc-mini',
    'interdependent/efflite0-64_fpn_mtl_read-seg_voc-mini'])
def test_networks_that_read_decoders(name, tmp_path):
    cfg = Config.fromfile(ROOT / f'configs/{name}.py')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    meta = {task: dict(classes=tuple(map(str, range(head.num_classes))))
            for task, head in model.heads.items()}
    torch.save(dict(state_dict=model.state_dict(), meta=dict(
        cfg=cfg.pretty_text, dataset_meta=meta)), tmp_path / 'model.pth')
    saved = load_saved_model(tmp_path / 'model.pth', None, 'cpu')
    export_onnx(saved, tmp_path / 'raw.onnx', raw=True)
    found = compare_core(saved, session_of(tmp_path / 'raw.onnx'),
                         [torch.randn(n, 3, 192, 192) for n in (1, 2)])
    assert not found.failed, found.lines


def test_an_operator_that_cannot_be_written_is_one_sentence(
        saved, tmp_path, monkeypatch, capfd):

    def unpooled(self, images):
        x, index = F.max_pool2d(images, 2, return_indices=True)
        return [torch._C._nn.max_unpool2d(x, index, (64, 64))]

    monkeypatch.setattr(CoreGraph, 'forward', unpooled)
    with pytest.raises(ConfigError, match='cannot write.*max_unpool2d'):
        export_onnx(saved, tmp_path / 'x.onnx', raw=True)
    assert 'aten::' not in capfd.readouterr().out
    assert not (tmp_path / 'x.onnx').exists()


def test_a_missing_package_is_named(monkeypatch):
    plain = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'onnxruntime':
            raise ImportError(name=name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(UserError, match='pip install onnx onnxruntime'):
        require_onnx()
