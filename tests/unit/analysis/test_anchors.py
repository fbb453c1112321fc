import cv2
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from mmmultas.analysis.anchors import (draw_anchors, find_anchors,
                                       fit_anchors, shapes_of)
from mmmultas.utils.errors import ConfigError
from mmmultas.testing.scenes import write_scenes


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('scenes')
    write_scenes(root, 12, 4)
    return root


@pytest.fixture
def cfg(data):
    init_default_scope('mmdet')
    resize = [dict(type='mmmultas.LoadImage'),
              dict(type='mmmultas.Squash', size=(48, 256)),
              dict(type='mmmultas.LoadLabels'),
              dict(type='mmmultas.PackInputs')]
    dataset = dict(
        type='mmmultas.FolderDataset',
        images=str(data / 'images'),
        boxes=str(data / 'boxes.json'),
        classes=dict(det=('box', 'sphere', 'cylinder')),
        tasks=('det', ),
        pipeline=resize)
    return ConfigDict(
        train_dataloader=dict(det=dict(dataset=dataset), seg=None),
        val_dataloader=dict(val=dict(dataset=dataset)))


def test_sizes_are_those_that_the_network_sees(cfg, data):
    import json
    content = json.loads((data / 'boxes.json').read_text())
    sides = {i['id']: (i['width'], i['height']) for i in content['images']}
    want = sorted(
        (a['bbox'][2] * 256 / sides[a['image_id']][0],
         a['bbox'][3] * 48 / sides[a['image_id']][1])
        for a in content['annotations'])
    sizes, images, inputs = shapes_of(cfg)
    np.testing.assert_allclose(sorted(map(tuple, sizes)), want, rtol=1e-4)
    assert images == len(content['images']) and inputs == {(48, 256)}
    stream = cfg.train_dataloader.det
    stream.dataset = dict(
        type='RepeatDataset', times=3, dataset=stream.dataset)
    assert len(shapes_of(cfg)[0]) == len(sizes)
    stream.dataset = dict(type='ConcatDataset', datasets=[])
    with pytest.raises(ConfigError, match='several data sets'):
        shapes_of(cfg)


def test_text_and_picture(cfg, tmp_path):
    found = fit_anchors(cfg, 4, 2)
    assert len(found.branches) == 2 and 0 < found.overlap <= 1
    areas = [w * h for w, h in found.shapes]
    assert areas == sorted(areas)
    text = found.text()
    assert '256 × 48 pixels' in text and 'base_sizes=[[' in text
    draw_anchors(found, tmp_path / 'new' / 'anchors.png')
    assert cv2.imread(str(tmp_path / 'new/anchors.png')).std() > 0


def test_clear_groups_are_found():
    groups = torch.tensor([[5., 5.], [20., 8.], [9., 40.], [60., 60.]])
    rng = torch.Generator().manual_seed(0)
    sizes = (groups[:, None] * (
        1 + .05 * torch.randn(4, 30, 2, generator=rng))).reshape(-1, 2)
    shapes, overlap = find_anchors(sizes, 4)
    torch.testing.assert_close(shapes.float(), groups, rtol=.05, atol=0)
    assert overlap > .9


def test_bad_input(cfg):
    with pytest.raises(ConfigError, match='shared by branches of 2'):
        fit_anchors(cfg, 9, 2)
    with pytest.raises(ConfigError, match='lower --num'):
        fit_anchors(cfg, 999, 3)
    with pytest.raises(ConfigError, match="boxes of 'cars'"):
        fit_anchors(cfg, 3, task='cars')
    del cfg.val_dataloader
    with pytest.raises(ConfigError, match='neither `val_dataloader`'):
        fit_anchors(cfg, 3)
