import re

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmmultas.analysis.comparison import (as_sample, compare_models,
                                          image_scores)
from mmmultas.structures import sem_seg_data
from mmmultas.testing import Devkit
from mmmultas.utils.errors import ConfigError
from mmmultas.visualization.visualizer import MultiTaskVisualizer


@pytest.fixture
def cfg(tmp_path):
    kit = Devkit(tmp_path / 'VOCdevkit')
    for name in 'ab':
        kit.add(name)
    pipeline = [
        dict(type='mmmultas.LoadImage'),
        dict(type='mmmultas.Squash', size=64),
        dict(type='mmmultas.LoadLabels'),
        dict(type='mmmultas.PackInputs')
    ]
    dataset = dict(
        type='mmmultas.VOCDataset',
        data_root=str(kit.root),
        subsets=[dict(root='VOC2012', ids=['a', 'b'])],
        pipeline=pipeline,
        test_mode=True)
    return dict(val_dataloader=dict(val=dict(dataset=dataset)))


def test_a_panel_per_entry(cfg, save_toy):
    both = save_toy()
    det = save_toy(tasks=('det', ), name='det.pth')
    seg = save_toy(tasks=('seg', ), name='seg.pth')
    two = compare_models(cfg, {'Two': [det, seg], 'One': [both]}, number=5)
    one = compare_models(cfg, {'One': [both]}, number=1)
    assert len(two) == 2 and len(one) == 1
    assert two[0].shape[1] > one[0].shape[1]
    width = one[0].shape[1] // 2
    # the truth is drawn first, whatever the models say
    assert np.array_equal(two[0][:200, :width - 10], one[0][:200, :width - 10])


def test_samples():
    sample = as_sample(
        dict(
            bboxes=np.ones((2, 4), np.float32),
            scores=np.array([0.9, 0.5], np.float32),
            labels=np.array([0, 1]),
            seg_map=np.full((3, 4), 200, np.uint8)))
    assert sample.pred_instances.labels.tolist() == [0, 1]
    assert sample.pred_sem_seg.sem_seg.shape == (1, 3, 4)
    assert sample.pred_sem_seg.sem_seg.dtype == torch.int64
    assert 'pred_instances' not in as_sample({})


def _truth():
    sample = DetDataSample(metainfo=dict(tasks=('seg', 'depth', 'normals')))
    sample.gt_sem_seg = sem_seg_data(torch.tensor([[0, 0, 1, 255]]))
    sample.gt_depth = PixelData(data=torch.tensor([[[0., 1, 2, 4]]]))
    normals = torch.zeros(3, 1, 4)
    normals[2, :, 1:] = 1
    sample.gt_normals = PixelData(data=normals)
    return sample


def test_scores_of_an_image():
    truth = _truth()
    across = np.zeros((1, 4, 3), np.float32)
    across[..., 0], across[:, 3] = 1, (0, 0, 1)
    found = as_sample(dict(
        seg_map=np.array([[0, 1, 1, 1]]),
        maps=dict(depth=np.array([[9., 2, 2, 3]], np.float32),
                  normals=across)))
    scores = image_scores(truth, found, {})
    assert scores == pytest.approx(dict(seg=50, depth=2 / 3, normals=60))
    truth.gt_depth.data.zero_(), truth.gt_normals.data.zero_()
    truth.gt_sem_seg.sem_seg.fill_(255)
    assert image_scores(truth, found, {}) == {}
    assert image_scores(_truth(), as_sample({}), {}) == {}


def test_titles_say_the_scores(cfg, save_toy, monkeypatch):
    titles = []
    monkeypatch.setattr(
        MultiTaskVisualizer, 'compare',
        lambda self, image, truth, found, thr: titles.extend(found))
    compare_models(cfg, {'One': [save_toy()]}, number=1, scores=True)
    assert re.fullmatch(r'One seg [\d.e-]+', titles[0])


def test_nothing_to_show():
    with pytest.raises(ConfigError, match='val_dataloader'):
        compare_models({}, {})
