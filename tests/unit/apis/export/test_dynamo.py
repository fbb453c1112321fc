import builtins

import pytest
import torch

from mmmultas.apis.export.onnx_file import export_onnx, session_of
from mmmultas.apis.export.onnx_inferencer import open_model
from mmmultas.apis.export.verify import compare_core, compare_predictions
from mmmultas.apis.inferencer import MultiTaskInferencer
from mmmultas.utils.errors import UserError


@pytest.mark.parametrize('raw', [
    pytest.param(True, marks=pytest.mark.slow), False])
def test_the_newer_exporter(exported, saved, pictures, raw, tmp_path):
    pytest.importorskip('onnxscript')
    path = tmp_path / 'x.onnx'
    assert export_onnx(saved, path, raw, dynamo=True)['format'] == 1
    if raw:
        batches = [torch.randn(n, 3, 64, 64) for n in (1, 3)]
        found = compare_core(saved, session_of(path), batches)
    else:
        found = compare_predictions(
            MultiTaskInferencer(exported / 'model.pth', 'cpu'),
            open_model(path), pictures)
    assert not found.failed and not any('no box' in x for x in found.lines)


def test_the_newer_exporter_says_what_it_needs(saved, tmp_path, monkeypatch):
    plain = builtins.__import__
    monkeypatch.setattr(builtins, '__import__', lambda name, *args, **kwargs: (
        _ for _ in ()).throw(ImportError(name=name)) if name == 'onnxscript'
        else plain(name, *args, **kwargs))
    with pytest.raises(UserError, match='pip install onnxscript'):
        export_onnx(saved, tmp_path / 'x.onnx', raw=True, dynamo=True)
    monkeypatch.delattr(torch.export.Dim, 'DYNAMIC')
    with pytest.raises(UserError, match='PyTorch 2.6'):
        export_onnx(saved, tmp_path / 'x.onnx', raw=True, dynamo=True)
