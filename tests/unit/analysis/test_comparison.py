import numpy as np
import pytest
import torch

from mmmultas.analysis.comparison import as_sample, compare_models
from mmmultas.testing import Devkit
from mmmultas.utils.errors import ConfigError


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


def test_nothing_to_show():
    with pytest.raises(ConfigError, match='val_dataloader'):
        compare_models({}, {})
