from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmmultas.datasets import MTANDataset
from mmmultas.datasets.mtan import LoadArrayImage
from mmmultas.registry import DATASETS
from mmmultas.utils.errors import ConfigError, DataError

PIPELINE = [dict(type='mmmultas.LoadArrayImage'),
            dict(type='mmmultas.LoadLabels'),
            dict(type='mmmultas.PackInputs')]


@pytest.fixture
def root(tmp_path):
    """Eleven images, so that 10 does not follow 1."""
    rng = np.random.default_rng(0)
    for name in ('image', 'label', 'depth', 'normal'):
        (tmp_path / 'train' / name).mkdir(parents=True)
    for i in range(11):
        label = rng.integers(-1, 13, (6, 8)).astype(np.float64)
        normal = rng.normal(size=(6, 8, 3))
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        for name, values in dict(
                image=np.full((6, 8, 3), (1, .5, i / 11)), label=label,
                depth=np.full((6, 8, 1), i + 1.), normal=normal).items():
            np.save(tmp_path / f'train/{name}/{i}.npy', values)
    return tmp_path


def test_labels_by_number(root):
    data = MTANDataset(str(root), 'train', pipeline=PIPELINE)
    assert len(data) == 11
    sample = data[10]
    # RGB in the file, BGR here
    assert sample['inputs'][:, 0, 0].tolist() == [round(10 / 11 * 255), 128,
                                                  255]
    labels = sample['data_samples']
    assert labels.img_id == 10 and (labels.gt_depth.data == 11).all()
    want = np.load(root / 'train/label/10.npy')
    assert (labels.gt_sem_seg.data[0].numpy() == np.where(
        want < 0, 255, want)).all()
    assert labels.gt_normals.data.shape == (3, 6, 8)
    assert data.metainfo['depth'] == dict(kind='depth', unit='m')


def test_hidden_labels_need_not_exist(root):
    regime = dict(regime='one', seed=0)
    data = MTANDataset(str(root), 'train', regime=regime, pipeline=PIPELINE)
    kept = {data.get_data_info(i)['img_id']: data.get_data_info(i)['tasks']
            for i in range(11)}
    folders = dict(seg='label', depth='depth', normals='normal')
    for number, tasks in kept.items():
        for task in set(folders) - set(tasks):
            (root / f'train/{folders[task]}/{number}.npy').unlink()
    data = MTANDataset(str(root), 'train', regime=regime, pipeline=PIPELINE)
    assert [data[i]['data_samples'].tasks for i in range(11)] == list(
        kept.values())
    with pytest.raises(DataError, match='npy is missing; add it'):
        MTANDataset(str(root), 'train')


def test_errors(root, tmp_path):
    for kwargs, message in ((dict(part='test'), "`part` is 'train' or"),
                            (dict(part='train', tasks=('det', )), 'have seg'),
                            (dict(part='train', folders=dict(x='y')), "'x'")):
        with pytest.raises(ConfigError, match=message):
            MTANDataset(str(root), **kwargs)
    with pytest.raises(DataError, match='val/image has no 0.npy'):
        MTANDataset(str(root), 'val')
    for values, message in ((np.zeros((4, 4)), r'shape \(4, 4\)'),
                            (np.full((4, 4, 3), 9.), 'holds 9 to 9')):
        np.save(tmp_path / 'x.npy', values)
        with pytest.raises(DataError, match=message):
            LoadArrayImage()(dict(img_path=str(tmp_path / 'x.npy')))
    np.save(root / 'train/label/0.npy', np.full((6, 8), .5))
    data = MTANDataset(str(root), 'train', pipeline=PIPELINE)
    with pytest.raises(DataError, match='0.npy holds float64'):
        data[0]


@pytest.mark.parametrize('name, tasks', [
    ('nyuv2_mtan', ('seg', 'depth', 'normals')),
    ('cityscapes_mtan', ('seg', 'depth'))])
def test_the_bases_of_both_data_sets(root, monkeypatch, name, tasks):
    init_default_scope('mmdet')
    for variable in ('MMMULTAS_NYUV2', 'MMMULTAS_CITYSCAPES_MTAN'):
        monkeypatch.setenv(variable, str(root))
    if name == 'cityscapes_mtan':
        (root / 'train/label').rename(root / 'train/label_7')
        for i in range(11):  # seven classes
            path = root / f'train/label_7/{i}.npy'
            np.save(path, np.load(path) % 7)
    path = Path(__file__).resolve().parents[3] / 'configs/_base_/datasets'
    cfg = Config.fromfile(path / f'{name}.py')
    data = DATASETS.build(cfg.train_dataloader.train.dataset)
    labels = data[1]['data_samples']
    assert labels.tasks == tasks == tuple(cfg.val_evaluator)
    assert labels.img_shape == cfg.img_size
    assert labels.gt_sem_seg.data.shape[-2:] == cfg.img_size
    assert ('gt_normals' in labels) == ('normals' in tasks)
