import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from mmmultas.datasets.transforms import CropExpand, RandomFlip, Squash
from mmmultas.datasets.transforms.labels import (BoxLabels, box_sets, each_map,
                                                 kind_in, rule_of, set_boxes)
from mmmultas.utils.errors import ConfigError


def results():
    """Two detectors, two maps of classes, depth and normals."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 12:30] = 255
    parts = (image[..., 0] > 0).astype(np.uint8)
    normals = np.zeros((40, 60, 3), np.float32)
    normals[..., 0] = 1
    box = np.float32([[12, 10, 30, 20]])
    return dict(
        img=image, img_shape=(40, 60), ori_shape=(40, 60),
        tasks=('det', 'cars', 'seg', 'parts', 'depth', 'normals'),
        kinds=dict(cars='boxes', parts='classes'),
        gt_bboxes=HorizontalBoxes(torch.from_numpy(box.copy())),
        gt_bboxes_labels=np.array([1]), gt_ignore_flags=np.array([False]),
        gt_cars=BoxLabels(box.copy(), np.array([2]), np.array([True])),
        gt_seg_map=parts.copy(), gt_parts=parts.copy(),
        gt_depth=np.full((40, 60), 3, np.float32), gt_normals=normals)


def agrees(found):
    """Labels lie where the bright rectangle is."""
    bright = found['img'][..., 0] > 127
    y, x = np.where(bright)
    hull = [x.min(), y.min(), x.max() + 1, y.max() + 1]
    for key in ('gt_seg_map', 'gt_parts'):
        assert ((found[key] == 1) == bright).mean() > .97, key
    for _, boxes in box_sets(found):
        assert np.abs(boxes[0] - hull).max() <= 1.5
    shape = found['img'].shape[:2]
    assert found['gt_depth'].shape == found['gt_normals'].shape[:2] == shape


def test_all_labels_move_together():
    found = RandomFlip(1.)(results())
    agrees(found)
    assert (found['gt_normals'][..., 0] == -1).all()
    agrees(Squash((30, 90))(found))
    cut = CropExpand(1., centre=(.3, .5))
    for seed in range(5):
        import random
        random.seed(seed)
        found = cut(results())
        height, width = found['img'].shape[:2]
        known = found['gt_depth'][found['gt_depth'] > 0]
        zoom = (40 * 60 / (height * width))**.5
        np.testing.assert_allclose(known, 3 / zoom, rtol=1e-6)
        agrees(Squash((64, 64))(found))


def test_boxes_that_leave_the_picture_take_their_labels_along():
    found = results()
    keep = np.array([False])
    for task in ('det', 'cars'):
        set_boxes(found, task, np.zeros((0, 4)), keep)
    assert len(found['gt_bboxes_labels']) == len(found['gt_cars'].labels) == 0
    assert [len(boxes) for _, boxes in box_sets(found)] == [0, 0]


def test_what_is_not_announced_is_not_there():
    found = results()
    found['tasks'] = ('depth', )
    assert [key for key, _ in each_map(found)] == ['gt_depth', 'gt_seg_map']
    assert [task for task, _ in box_sets(found)] == ['det']
    assert kind_in(found, 'cars') == 'boxes'


def test_a_kind_without_a_rule():
    with pytest.raises(ConfigError, match="kind 'smell' have no rule"):
        rule_of('smell')
