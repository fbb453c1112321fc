import random

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from mmmultas.datasets.transforms.geometry import (CropExpand, RandomFlip,
                                                   ScaleCrop, Squash,
                                                   boxes_allow, cut_window,
                                                   foreground_allows)
from mmmultas.utils.errors import ConfigError

BOXES = [[8., 8., 24., 20.], [30., 2., 38., 30.]]


def sample(tasks=('det', 'seg'), boxes=BOXES, size=(32, 40)):
    rng = np.random.default_rng(0)
    out = dict(
        img=rng.integers(0, 256, (*size, 3), np.uint8), ori_shape=size)
    if 'det' in tasks:
        out['gt_bboxes'] = HorizontalBoxes(torch.tensor(boxes).reshape(-1, 4))
        out['gt_bboxes_labels'] = np.arange(len(boxes))
        out['gt_ignore_flags'] = np.zeros(len(boxes), bool)
    if 'seg' in tasks:
        mask = np.zeros(size, np.uint8)
        for value, (x1, y1, x2, y2) in enumerate(boxes or BOXES, 1):
            mask[int(y1):int(y2), int(x1):int(x2)] = value
        out['gt_seg_map'] = mask
    return out


def corners(results):
    return results['gt_bboxes'].tensor.numpy()


TASKS = [(), ('det', ), ('seg', ), ('det', 'seg')]


@pytest.mark.parametrize('tasks', TASKS)
def test_squash(tasks):
    given = sample(tasks)
    out = Squash((64, 20))(dict(given))
    assert out['img'].shape == (64, 20, 3)
    assert out['img_shape'] == (64, 20) and out['scale_factor'] == (.5, 2.)
    assert ('gt_bboxes' in out, 'gt_seg_map' in out) == ('det' in tasks, 'seg'
                                                         in tasks)
    if 'det' in tasks:
        assert corners(out).tolist() == [[x1 / 2, y1 * 2, x2 / 2, y2 * 2]
                                         for x1, y1, x2, y2 in BOXES]
    if 'seg' in tasks:
        mask = given['gt_seg_map']
        expected = [[mask[y // 2, x * 2] for x in range(20)]
                    for y in range(64)]
        assert (out['gt_seg_map'] == expected).all()


def test_squash_wants_a_size():
    with pytest.raises(ConfigError, match='not 0'):
        Squash(0)


@pytest.mark.parametrize('window', [(3, 4, 20, 15), (-5, -3, 60, 50),
                                    (-5, 4, 20, 50), (30, 20, 45, 25)])
def test_cut_window_against_a_loop(window):
    image = sample()['img']
    x1, y1, x2, y2 = window
    out = cut_window(image, window, 114)
    assert out.shape == (y2 - y1, x2 - x1, 3)
    for y in range(y1, y2):
        for x in range(x1, x2):
            inside = 0 <= y < 32 and 0 <= x < 40
            expected = image[y, x] if inside else 114
            assert (out[y - y1, x - x1] == expected).all()


@pytest.mark.parametrize('window, allowed', [
    ((0, 0, 40, 32), True),
    ((0, 0, 16, 32), False),  # half of the first box
    ((0, 0, 11, 32), False),  # 3/16 of it, but no centre inside
    ((0, 0, 21, 32), True),  # 13/16 of it, none of the second
    ((21, 0, 40, 32), True),
    ((0, 0, 20, 32), True),  # 75 %: not between
])
def test_boxes_allow(window, allowed):
    boxes = np.float32(BOXES)
    share = [
        max(0, min(x2, window[2]) - max(x1, window[0])) *
        max(0,
            min(y2, window[3]) - max(y1, window[1])) / ((x2 - x1) *
                                                        (y2 - y1))
        for x1, y1, x2, y2 in BOXES
    ]
    assert boxes_allow(boxes, window) is allowed
    if any(.25 < s < .75 for s in share):
        assert not allowed


def test_boxes_allow_anything_without_boxes():
    assert boxes_allow(np.zeros((0, 4), np.float32), (0, 0, 1, 1))


@pytest.mark.parametrize('extent, allowed', [(9, False), (10, True)])
def test_foreground_extent(extent, allowed):
    found = np.zeros((30, 30), np.uint8)
    found[5:5 + extent, 3:25] = 1
    assert foreground_allows(found, (-4, -4, 40, 40), 9) is allowed
    assert foreground_allows(found.T.copy(), (0, 0, 30, 30), 9) is allowed
    assert not foreground_allows(found, (30, 30, 50, 50), 9)


@pytest.mark.parametrize('tasks', TASKS)
def test_crop_moves_everything_together(tasks):
    transform = CropExpand(prob=1)
    changed = 0
    for seed in range(60):
        random.seed(seed)
        given = sample(tasks)
        # the mask drawn into the image must still lie under it
        given['img'][..., 0] = given.get('gt_seg_map', 7)
        out = transform(dict(given))
        changed += out['img'].shape != given['img'].shape
        assert out['img'].shape[:2] == out.get('img_shape', (32, 40))
        if 'seg' in tasks:
            seen = out['gt_seg_map'] != 255
            assert (out['img'][..., 0][seen] == out['gt_seg_map'][seen]).all()
            assert (out['img'][~seen] == 114).all()
        if 'det' in tasks:
            check_boxes(out)
    assert changed > 50


def check_boxes(out):
    height, width = out['img'].shape[:2]
    boxes = corners(out)
    assert len(boxes) == len(out['gt_bboxes_labels']) >= 1
    assert len(boxes) == len(out['gt_ignore_flags'])
    assert (boxes >= 0).all()
    assert (boxes <= [width, height] * 2).all()
    assert ((boxes[:, 2:] - boxes[:, :2]) > 0).all()
    if 'gt_seg_map' in out:
        for (x1, y1, x2, y2), label in zip(boxes.astype(int),
                                           out['gt_bboxes_labels']):
            assert (out['gt_seg_map'][y1:y2, x1:x2] == label + 1).all()


def test_crop_keeps_negatives_and_empty_masks_going():
    given = sample(('det', ), boxes=[])
    given['gt_seg_map'] = np.zeros((32, 40), np.uint8)
    random.seed(0)
    out = CropExpand(prob=1)(dict(given))
    assert out['img'].shape != given['img'].shape
    assert len(out['gt_bboxes']) == 0


def test_crop_sizes_and_shares():
    random.seed(0)
    transform = CropExpand()
    shapes = [
        transform(sample((), size=(100, 200)))['img'].shape
        for _ in range(2000)
    ]
    kept = [s for s in shapes if s != (100, 200, 3)]
    assert .72 < len(kept) / len(shapes) < .78
    heights = [s[0] / 100 for s in kept]
    assert .24 <= min(heights) < .3 and 1.7 < max(heights) <= 1.75
    ratios = [s[1] / 200 / h for s, h in zip(kept, heights)]
    assert .47 < min(ratios) < .53 and 1.9 < max(ratios) <= 2.05
    assert .45 < np.mean(np.array(ratios) < 1) < .55


def test_crop_protects_the_mask_of_a_mask_only_image():
    for seed in range(40):
        random.seed(seed)
        given = sample(('seg', ), size=(320, 320))
        mask = np.zeros((320, 320), np.uint8)
        mask[40:60, 10:40] = 3
        given['gt_seg_map'] = mask
        ys, xs = np.nonzero(CropExpand(prob=1)(given)['gt_seg_map'] == 3)
        assert np.ptp(ys) >= 9 and np.ptp(xs) >= 9


@pytest.mark.parametrize('tasks', TASKS)
def test_scale_crop_moves_everything_together(tasks):
    random.seed(1)
    given = sample(tasks)
    out = ScaleCrop(scale=(2., 2.))(dict(given))
    assert out['img'].shape == (16, 20, 3)
    y, x = next((y, x) for y in range(17) for x in range(21)
                if (given['img'][y:y + 16, x:x + 20] == out['img']).all())
    assert out['visible'] == (0, 0, 20, 16)
    if 'seg' in tasks:
        assert (out['gt_seg_map'] ==
                given['gt_seg_map'][y:y + 16, x:x + 20]).all()
    if 'det' in tasks:
        kept = [[x1 - x, y1 - y, x2 - x, y2 - y] for x1, y1, x2, y2 in BOXES
                if x < (x1 + x2) / 2 < x + 20 and y < (y1 + y2) / 2 < y + 16]
        assert kept
        assert corners(out).tolist() == np.clip(
            kept, 0, [20, 16] * 2).tolist()


def test_scales_of_a_scale_crop():
    random.seed(0)

    def sides(**kwargs):
        return {ScaleCrop(**kwargs)(sample(()))['img'].shape[0]
                for _ in range(60)}

    assert sides(scale=(2., 2.)) == {16}
    found = sides(scale=(1., 1.5))
    assert min(found) >= 21 and max(found) <= 32 and len(found) > 8
    with pytest.raises(ConfigError, match='CropExpand reaches beyond'):
        ScaleCrop(scale=(.5, 1.))


@pytest.mark.parametrize('background, protected', [(0, False), (None, True),
                                                   (2, True)])
def test_background_is_configurable(background, protected):
    given = sample(('seg', ))
    given['gt_seg_map'][:] = 0
    found = CropExpand(background=background)._foreground(given)
    assert (found is not None) is protected


@pytest.mark.parametrize('tasks', TASKS)
def test_flip(tasks):
    given = sample(tasks)
    out = RandomFlip(prob=1)(dict(given))
    assert out['flip'] and out['flip_direction'] == 'horizontal'
    assert (out['img'] == given['img'][:, ::-1]).all()
    if 'det' in tasks:
        assert corners(out).tolist() == [[40 - x2, y1, 40 - x1, y2]
                                         for x1, y1, x2, y2 in BOXES]
    if 'seg' in tasks:
        assert (out['gt_seg_map'] == given['gt_seg_map'][:, ::-1]).all()


def test_no_flip():
    given = sample()
    out = RandomFlip(prob=0)(dict(given))
    assert not out['flip'] and (out['img'] == given['img']).all()


def test_squash_is_bilinear():
    given = sample(())
    out = Squash(16)(dict(given))['img']
    assert (out == cv2.resize(given['img'], (16, 16),
                              interpolation=cv2.INTER_LINEAR)).all()


def test_windows_keep_the_type_of_numbers():
    metres = np.array([[1.5, 2.5]], np.float32)
    cut = cut_window(metres, (1, 0, 3, 2), 0)
    assert cut.dtype == np.float32 and cut.tolist() == [[2.5, 0], [0, 0]]
