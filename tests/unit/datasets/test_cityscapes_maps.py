from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmmultas.datasets.cityscapes import convert_cityscapes
from mmmultas.datasets.cityscapes_maps import (DISPARITIES, convert_disparity,
                                               convert_label_ids)
from mmmultas.datasets.mask_runs import RunCache
from mmmultas.datasets.readers import DepthReader
from mmmultas.registry import DATASETS
from mmmultas.testing.streets import street_ids, write_cityscapes
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
#: SPEC-INTERDEPENDENT 5, class by class.
IDS_11 = ([7], [20], [24], [11], [23], [21], [17], [8], [13], [25, 32, 33],
          [26, 27, 28])


@pytest.fixture
def root(tmp_path):
    write_cityscapes(tmp_path / 'cityscapes')
    return tmp_path / 'cityscapes'


@pytest.mark.parametrize('form', DISPARITIES)
def test_disparity_is_read_as_the_data_set_defines_it(root, tmp_path, form):
    out = tmp_path / 'small'
    counts = convert_disparity(root, out, (32, 64), form=form)
    assert counts == dict(train=4, val=2)
    raw = cv2.imread(str(root / 'disparity/train/aachen/'
                         'aachen_000000_000019_disparity.png'), -1)
    path = out / 'train/disparity/aachen_000000_000019.png'
    read = DepthReader(RunCache(0)).read(
        dict(path=str(path), scale=DISPARITIES[form]),
        dict(ori_shape=(32, 64)))
    raw = raw[1::2, 1::2].astype(np.float64)
    want = np.maximum(raw - 1, 0) / 256 if form == 'pixels' else raw / 2**16
    np.testing.assert_allclose(read, want, rtol=1e-6)
    assert (read == 0).mean() > .3  # nobody knows the sky
    before = path.stat().st_mtime_ns
    convert_disparity(root, out, (32, 64), form=form)
    assert path.stat().st_mtime_ns == before


def test_a_disparity_that_cannot_be_used(root, tmp_path):
    with pytest.raises(ConfigError, match="not as 'metres'"):
        convert_disparity(root, tmp_path, form='metres')
    path = next((root / 'disparity/train').rglob('*.png'))
    cv2.imwrite(str(path), np.zeros((64, 128), np.uint8))
    with pytest.raises(DataError, match='no grey PNG of 16 bits'):
        convert_disparity(root, tmp_path)
    cv2.imwrite(str(path), np.zeros((6, 8), np.uint16))
    with pytest.raises(DataError, match='is 8×6, its image 128×64'):
        convert_disparity(root, tmp_path)


def test_the_base_that_reads_the_disparity(root, tmp_path, monkeypatch):
    init_default_scope('mmdet')
    out = tmp_path / 'small'
    convert_cityscapes(root, out, (32, 64))
    convert_disparity(root, out, (32, 64))
    monkeypatch.setenv('MMMULTAS_CITYSCAPES', str(out))
    cfg = Config.fromfile(
        ROOT / 'configs/_base_/datasets/cityscapes_disparity.py')
    data = DATASETS.build(cfg.val_dataloader.val.dataset)
    labels = data[0]['data_samples']
    assert len(data) == 2 and labels.tasks == ('seg', 'depth')
    assert 80 < labels.gt_depth.data.max() < 92
    assert data.metainfo['depth']['unit'] == 'px'


def test_label_ids_of_the_eleven_classes(root, tmp_path, monkeypatch):
    """From the original layout to samples of the base of 11 + 3 classes."""
    init_default_scope('mmdet')
    out = tmp_path / 'small'
    convert_cityscapes(root, out, (32, 64))
    assert convert_label_ids(root, out, (32, 64)) == dict(train=4, val=2)
    monkeypatch.setenv('MMMULTAS_CITYSCAPES_LARGE', str(out))
    cfg = Config.fromfile(ROOT / 'configs/_base_/datasets/citys_11.py')
    cfg.test_pipeline[1].size = (32, 64)
    data = DATASETS.build(dict(cfg.val_dataloader.val.dataset,
                               pipeline=cfg.test_pipeline))
    assert data.metainfo['det']['classes'] == ('person', 'vehicle', 'cycle')
    assert len(data.metainfo['seg']['classes']) == 11
    # every label id that there is has a class, or is said to have none
    table = data.seg_table
    want = np.full(34, 255)
    for number, ids in enumerate(IDS_11):
        want[ids] = number
    assert table[:34].tolist() == want.tolist()
    sample = data[0]['data_samples']
    name = Path(sample.img_path).name
    ids = cv2.imread(str(out / 'val/label_ids' / name), -1)
    assert (sample.gt_sem_seg.sem_seg[0].numpy() == want[ids]).all()
    assert len(np.unique(ids)) > 4
    assert set(sample.gt_instances.labels.tolist()) <= {0, 1, 2}
    assert len(sample.gt_instances)
    before = [p.stat().st_mtime_ns for p in out.rglob('label_ids/*.png')]
    convert_label_ids(root, out, (32, 64))
    assert before == [p.stat().st_mtime_ns
                      for p in out.rglob('label_ids/*.png')]


def test_an_id_that_does_not_exist(root, tmp_path):
    path = next((root / 'gtFine/val').rglob('*labelIds.png'))
    ids = np.where(street_ids(seed=0) < 1000, 40, 7).astype(np.uint8)
    cv2.imwrite(str(path), ids)
    with pytest.raises(DataError, match='label id 40'):
        convert_label_ids(root, tmp_path, splits=('val', ))
