import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.registry import init_default_scope
from PIL import Image

from mmmultas.apis.pseudo_masks import SeedOptions, write_pseudo_masks
from mmmultas.registry import MODELS
from mmmultas.testing import SHAPES, ShapeFolder, toy_model
from mmmultas.utils.errors import ConfigError, DataError


@MODELS.register_module()
class ColourBackbone(BaseModule):
    """Cells of four pixels: their red, green and blue."""

    def forward(self, x):
        return (F.avg_pool2d(x, 4), )


MODEL = dict(
    type='mmmultas.CAMClassifier',
    data_preprocessor=dict(
        type='mmmultas.MultiTaskDataPreprocessor',
        mean=[110.] * 3, std=[100.] * 3),
    backbone=dict(type='mmmultas.ColourBackbone'),
    heads=dict(seg=dict(
        type='mmmultas.CAMHead', num_classes=4, in_channels=3)))


@pytest.fixture(scope='module')
def kit(tmp_path_factory):
    return ShapeFolder(tmp_path_factory.mktemp('shapes'), count=3)


@pytest.fixture(scope='module')
def checkpoint(kit):
    init_default_scope('mmdet')
    model = MODELS.build(MODEL)
    # each class is a colour: shapes are found where they are
    model.heads.seg.classifier.weight.data[:] = (
        torch.eye(3) * 3 - 1)[..., None, None]
    path = kit.root / 'colours.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def cfg(kit):
    init_default_scope('mmdet')
    names = dict(det=SHAPES, seg=('background', *SHAPES))

    def stream(tasks, **labels):
        pipeline = [dict(type='mmmultas.LoadImage'),
                    dict(type='mmmultas.Squash', size=64),
                    dict(type='mmmultas.PackInputs')]
        return dict(dataset=dict(
            type='mmmultas.FolderDataset', images=str(kit.root / 'images'),
            tasks=tasks, classes={t: names[t] for t in tasks},
            pipeline=pipeline, **labels))

    boxes, masks = dict(boxes=str(kit.write_coco())), dict(
        masks=str(kit.write_masks()))
    return Config(dict(
        model=MODEL,
        train_dataloader=dict(det=stream(('det', ), **boxes)),
        val_dataloader=dict(val=stream(('det', 'seg'), **boxes, **masks),
                            masks=stream(('seg', ), **masks))))


def written(folder, kit):
    return {n: np.asarray(Image.open(folder / f'{n}.png')) for n in kit.names}


def test_objects_are_where_the_classifier_sees_them(
        cfg, checkpoint, kit, tmp_path):
    out = tmp_path / 'out'
    options = SeedOptions(background=.4)
    found, quality = write_pseudo_masks(
        cfg, checkpoint, out, 'det', options, 'val_dataloader.val')
    assert (found.written, found.kept, found.unknown) == (3, 0, ())
    masks = written(out, kit)
    for name, truth in kit.masks.items():
        assert masks[name].shape == truth.shape
        assert (masks[name] == truth).mean() > .93
    right = sum((masks[n] == kit.masks[n]).sum() for n in kit.names)
    assert quality.right == pytest.approx(right / (3 * 64 * 80))
    assert quality.labelled == 1 and quality.images == 3
    assert quality.mean_iou == pytest.approx(
        np.mean(list(quality.iou.values())), abs=1e-4)
    assert 'of `val_dataloader.val`' in quality.text()
    assert json.loads((out / 'quality.json').read_text())['images'] == 3
    # of masks alone their classes are known, too
    again = write_pseudo_masks(
        cfg, checkpoint, out, 'det', options, 'val_dataloader.masks')[1]
    assert again.iou == quality.iou
    # a second call goes on with what is missing
    (out / 'im01.png').write_bytes(b'half')
    found, _ = write_pseudo_masks(cfg, checkpoint, out, 'det', options)
    assert (found.written, found.kept) == (1, 2)
    with pytest.raises(DataError, match='other images, classes or settings'):
        write_pseudo_masks(cfg, checkpoint, out, 'det', SeedOptions())


def test_nothing_is_written_outside_of_boxes(cfg, checkpoint, kit, tmp_path):
    options = SeedOptions(background=.02, boxes=True, scales=(1., ))
    write_pseudo_masks(cfg, checkpoint, tmp_path, 'det', options)
    for name, mask in written(tmp_path, kit).items():
        for label, (x1, y1, x2, y2) in kit.boxes[name]:
            inside = np.zeros(mask.shape, bool)
            inside[y1:y2, x1:x2] = True
            assert (mask[inside] == label + 1).any()
            mask = np.where(inside, 0, mask)
        assert (mask == 0).all()


def test_doubt_and_boxes_to_be_ignored(cfg, checkpoint, kit, tmp_path):
    options = SeedOptions(uncertain=(.05, .9), scales=(1., ))
    cfg.train_dataloader.det.dataset.boxes = str(kit.write_coco(
        'crowd.json', annotations=[dict(
            id=0, image_id=0, category_id=1, bbox=[0, 0, 9, 9], area=81,
            iscrowd=1)]))
    _, quality = write_pseudo_masks(
        cfg, checkpoint, tmp_path / 'a', 'det', options, 'val_dataloader.val')
    assert 0 < quality.labelled < 1
    mask = written(tmp_path / 'a', kit)['im00']
    assert (mask[:9, :9] == 255).all() and mask.sum() == 81 * 255


def test_what_cannot_be_made_or_judged(cfg, checkpoint, kit, tmp_path):
    def call(options=None, judged=None, path=checkpoint):
        return write_pseudo_masks(cfg, path, tmp_path / 'x', 'det',
                                  options or SeedOptions(scales=(1., )),
                                  judged)

    for key in 'val_dataloader.no', 'seg':
        with pytest.raises(ConfigError, match='has no stream'):
            call(judged=key)
    cut = SeedOptions(scales=(1., ), boxes=True)
    with pytest.raises(ConfigError, match='takes seg and det'):
        call(cut, 'val_dataloader.masks')
    # nothing was written before
    assert not (tmp_path / 'x').exists()
    other = toy_model(('seg', ))
    torch.save(dict(state_dict=MODELS.build(other).state_dict()),
               kit.root / 'other.pth')
    cfg.model = other
    with pytest.raises(ConfigError, match='MultiTaskDetSeg, whose maps'):
        call(path=kit.root / 'other.pth')
