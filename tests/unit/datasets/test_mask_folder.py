import json
import shutil

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmmultas.datasets.mask_folder import (MaskFolder, MaskMaker,
                                           _check_number)
from mmmultas.registry import DATASETS
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.utils.errors import ConfigError, DataError


def stream(kit, task, classes=SHAPES, **labels):
    if task == 'seg':
        classes = ('background', *classes)
    return dict(dataset=dict(
        type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
        tasks=(task, ), classes={task: classes}, pipeline=[], **labels))


@pytest.fixture
def kit(tmp_path):
    init_default_scope('mmdet')
    return ShapeFolder(tmp_path / 'data', count=2)


@pytest.fixture
def cfg(kit):
    return dict(
        train_dataloader=dict(
            det=stream(kit, 'det', boxes=str(kit.write_coco())), seg=None),
        val_dataloader=dict(
            val=stream(kit, 'seg', masks=str(kit.write_masks()))))


def test_classes_may_be_those_of_validation(cfg, tmp_path):
    maker = MaskMaker(cfg, 'det', tmp_path / 'out')
    assert maker.masks == ('background', *SHAPES) and maker.boxes == SHAPES
    mask = np.zeros((64, 80), np.uint8)
    mask[:9], mask[9:12] = 3, 255
    assert not maker.is_there(1, (64, 80))
    maker.write(1, mask)
    assert maker.is_there(1, (64, 80))
    picture = Image.open(tmp_path / 'out/im01.png')
    assert picture.mode == 'P'
    assert np.array_equal(np.asarray(picture), mask)


def test_folders_of_other_data(cfg, kit, tmp_path):
    maker = MaskMaker(cfg, 'det', tmp_path / 'new')
    maker.begin(dict(number=(3, )), 'X')
    maker.begin(dict(number=(3, )), 'X')
    with pytest.raises(DataError, match='made from other images'):
        maker.begin(dict(number=(4, )), 'X')
    # a folder of an earlier version says less of its images
    mark = tmp_path / 'new/made_from.json'
    kept = json.loads(mark.read_text())
    mark.write_text(json.dumps(dict(kept, names='others')))
    with pytest.raises(DataError, match='made from other images'):
        maker.begin(dict(number=(3, )), 'X')
    mark.write_text(json.dumps({k: v for k, v in kept.items()
                                if k != 'names'}))
    maker.begin(dict(number=(3, )), 'X')
    # labels of people stay as they are
    with pytest.raises(DataError, match='X did not make'):
        MaskMaker(cfg, 'det', kit.root / 'masks').begin({}, 'X')


def test_streams_that_cannot_serve(cfg):
    with pytest.raises(ConfigError, match="no stream 'boxes': it has det"):
        MaskMaker(cfg, 'boxes', 'out')
    cfg['train_dataloader']['seg'] = cfg['val_dataloader']['val']
    with pytest.raises(ConfigError, match="no label of the kind 'boxes'"):
        MaskMaker(cfg, 'seg', 'out')
    del cfg['train_dataloader']['seg'], cfg['val_dataloader']
    with pytest.raises(ConfigError, match='carries masks'):
        MaskMaker(cfg, 'det', 'out')


def voc(devkit, tasks, root='VOC2012', **kwargs):
    subsets = [dict(root=root, ids='ids.txt') for root in root.split()]
    return dict(dataset=dict(
        type='mmmultas.VOCDataset', data_root=str(devkit.root),
        subsets=subsets, tasks=tasks, **kwargs))


def test_masks_of_merged_classes_are_read_back_as_such(devkit, tmp_path):
    cfg = dict(train_dataloader=dict(
        det=voc(devkit, 'det'),
        seg=voc(devkit, 'seg', label_map=dict(seg='groups4'))))
    maker = MaskMaker(cfg, 'det', tmp_path)
    number = maker.masks.index('person')
    maker.write(0, np.full((40, 60), number, np.uint8))
    values = np.asarray(Image.open(maker.path_of(0)))
    assert (values == 15).all()  # VOC's


def test_two_images_of_one_name(devkit, tmp_path):
    shutil.copytree(devkit.root / 'VOC2012', devkit.root / 'twin')
    cfg = dict(train_dataloader=dict(det=voc(devkit, 'det', 'VOC2012 twin'),
                                     seg=voc(devkit, 'seg')))
    with pytest.raises(DataError, match='2 images of .* are called a, and'):
        MaskMaker(cfg, 'det', tmp_path)


def test_images_that_no_box_is_known_of(devkit, tmp_path):
    shutil.copytree(devkit.root / 'VOC2012', devkit.root / 'more')
    loader = voc(devkit, ('det', 'seg'), 'VOC2012 more')
    loader['dataset']['subsets'][0]['tasks'] = ('seg', )
    maker = MaskMaker(dict(train_dataloader=dict(det=loader)), 'det',
                      tmp_path)
    assert 0 < len(maker.paths) == maker.unlabelled
    assert all('/more/' in path for path in maker.paths)
    for i, path in enumerate(maker.paths):
        record = maker.record(i)
        assert record['img_path'] == path and 'instances' in record
    said = MaskFolder(2, 0, ('van', ), 3).text('out')
    assert '3 images of the stream are not labelled' in said
    assert 'left out: van' in said


def test_more_classes_than_a_file_holds():
    _check_number('seg', 255)
    with pytest.raises(ConfigError, match='256 classes, and a file'):
        _check_number('seg', 256)


def test_a_stream_without_images(cfg, monkeypatch):
    kind = DATASETS.get('mmmultas.FolderDataset')
    monkeypatch.setattr(kind, '__len__', lambda self: 0)
    with pytest.raises(DataError, match='name a stream that has some'):
        MaskMaker(cfg, 'det', 'out')
