import copy
import json

import onnx
import pytest

from mmmultas.apis.export.onnx_inferencer import (OnnxInferencer, answer_by,
                                                  open_model)
from mmmultas.apis.export.verify import boxes_alike
from mmmultas.apis.inferencer import MultiTaskInferencer
from mmmultas.apis.prediction_files import predict_to_files
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import build_runner


def test_predictions_are_those_of_the_checkpoint(exported, pictures,
                                                 tmp_path):
    plain = MultiTaskInferencer(exported / 'model.pth', 'cpu', score_thr=.2)
    file = OnnxInferencer(exported / 'model.onnx', score_thr=.2)
    for one, other in zip(plain(pictures), file(pictures), strict=True):
        assert one.keys() == other.keys() and one['path'] == other['path']
        alike, total = boxes_alike(one, other)
        assert alike == total > 0
    written = predict_to_files(file, exported / 'pictures', tmp_path / 'out')
    assert {p.name for p in written} >= {'overlays', 'masks', 'far', 'up'}
    found = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert len(found) == 3 or len(found['images']) == 3


def test_a_test_of_the_file(several, exported, tmp_path):
    """The metrics of a file whose network answers as the checkpoint's."""
    cfg = copy.deepcopy(several.cfg)
    cfg.work_dir, cfg.custom_hooks = str(tmp_path), []
    cfg.load_from = str(exported / 'model.pth')
    cfg.visualizer = None
    for head in ('det', 'more'):
        cfg.model.heads[head].test_cfg = dict(score_thr=.05, max_per_img=20)
    runner = build_runner(cfg)
    wanted = runner.test()
    answer_by(runner, exported / 'model.onnx')
    found = runner.test()
    assert wanted.keys() == found.keys() and wanted['seg/mIoU'] > 0
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, rel=2e-2, abs=.2), key


def test_a_file_of_other_classes(several, exported, tmp_path):
    """Other names are other classes, be they as many."""
    cfg = copy.deepcopy(several.cfg)
    cfg.work_dir, cfg.custom_hooks = str(tmp_path), []
    cfg.visualizer = None
    data = cfg.test_dataloader['all'].dataset
    data.label_map = dict(det={data.classes.det[0]: 'something else'})
    with pytest.raises(CheckpointError, match="The data have 'det' with"):
        answer_by(build_runner(cfg), exported / 'model.onnx')


def test_files_that_cannot_be_used(exported, tmp_path):
    with pytest.raises(CheckpointError, match='does not exist'):
        open_model(tmp_path / 'none.onnx')
    (tmp_path / 'broken.onnx').write_bytes(b'no model')
    with pytest.raises(CheckpointError, match='cannot be read as ONNX'):
        open_model(tmp_path / 'broken.onnx')
    model = onnx.load(str(exported / 'raw.onnx'))
    model.metadata_props[0].value = json.dumps(dict(format=99, version='9'))
    onnx.save(model, str(tmp_path / 'late.onnx'))
    with pytest.raises(CheckpointError, match='has the format 99'):
        open_model(tmp_path / 'late.onnx')
    del model.metadata_props[:]
    onnx.save(model, str(tmp_path / 'strange.onnx'))
    with pytest.raises(CheckpointError, match='not written by'):
        open_model(tmp_path / 'strange.onnx')
    with pytest.raises(ConfigError, match='at least 1'):
        OnnxInferencer(exported / 'model.onnx', batch_size=0)
