"""A checkpoint of seven tasks, and the files that are made of it."""
import copy

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmmultas.apis.export.onnx_file import export_onnx
from mmmultas.apis.saved_model import load_saved_model
from mmmultas.registry import DATASETS, MODELS
from mmmultas.utils.checkpoint import load_file
from tests.unit.conftest import lively

onnx = pytest.importorskip('onnx', reason='pip install onnx onnxruntime')


@pytest.fixture(scope='session')
def exported(several, tmp_path_factory):
    """Folder with model.pth, model.onnx, raw.onnx and pictures."""
    folder = tmp_path_factory.mktemp('exported')
    torch.manual_seed(0)
    cfg = copy.deepcopy(several.cfg)
    for head in ('det', 'more'):
        cfg.model.heads[head].test_cfg = dict(score_thr=.05, max_per_img=20)
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = lively(MODELS.build(cfg.model))
    data = DATASETS.build(dict(cfg.test_dataloader['all']['dataset']))
    meta = {task: dict(data.metainfo[task], kind=adapter.kind)
            for task, adapter in model.tasks.items()}
    torch.save(dict(state_dict=model.state_dict(), meta=dict(
        cfg=cfg.pretty_text, dataset_meta=meta)), folder / 'model.pth')
    assert load_file(folder / 'model.pth')
    rng = np.random.default_rng(0)
    (folder / 'pictures').mkdir()
    for i, size in enumerate(((64, 64), (40, 100), (97, 50))):
        image = cv2.resize(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8),
                           size[::-1])
        cv2.imwrite(str(folder / f'pictures/{i}.png'), image)
    saved = load_saved_model(folder / 'model.pth', None, 'cpu')
    export_onnx(saved, folder / 'model.onnx')
    export_onnx(saved, folder / 'raw.onnx', raw=True)
    return folder


@pytest.fixture(scope='session')
def saved(exported):
    return load_saved_model(exported / 'model.pth', None, 'cpu')


@pytest.fixture(scope='session')
def pictures(exported):
    return sorted((exported / 'pictures').iterdir())
