import random

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from mmmultas.datasets.pipeline_checks import check_dataset
from mmmultas.datasets.transforms.filters import (ColourCast, LocalContrast,
                                                  RandomBlur, RandomGamma,
                                                  RandomGrey, gamma_lut)
from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

KINDS = [RandomBlur, RandomGamma, ColourCast, LocalContrast]


def picture(size=(32, 48)):
    rng = np.random.default_rng(0)
    smooth = rng.integers(60, 200, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(smooth, size[::-1])


@pytest.mark.parametrize('kind', KINDS)
def test_alike_for_a_seed_and_only_sometimes(kind):
    image = picture()
    kept = image.copy()
    seen = []
    for seed in range(40):
        first, second = (_after(kind(), image, seed) for _ in range(2))
        assert (first == second).all()
        assert first.dtype == np.uint8 and first.shape == image.shape
        seen.append((first != image).any())
    assert 8 < sum(seen) < 32  # about a half
    assert (image == kept).all(), 'what was handed in has changed'
    assert (_after(kind(prob=0), image, 0) == image).all()
    assert (_after(kind(prob=1), image, 0) != image).any()
    check_dataset(kind(), 'dataset')


def _after(transform, image, seed):
    random.seed(seed)
    return transform(dict(img=image))['img']


def test_labels_stay():
    results = dict(img=picture(), gt_seg_map=np.ones((32, 48)), gt_bboxes=7)
    for kind in KINDS:
        out = kind(prob=1)(dict(results))
        assert out['gt_seg_map'] is results['gt_seg_map']
        assert out['gt_bboxes'] == 7


def test_blur_is_the_mean():
    image = picture()
    out = RandomBlur(sides=[3], prob=1)(dict(img=image))['img']
    mean = image[4:7, 9:12].reshape(-1, 3).mean(0)
    assert np.abs(out[5, 10] - mean).max() <= .5


def test_gamma():
    assert gamma_lut(1).tolist() == list(range(256))
    image = picture()
    bright = RandomGamma((.5, .5), prob=1)(dict(img=image))['img']
    expected = 255 * (image / 255)**.5
    assert np.abs(bright - expected).max() <= .5


def test_cast_shifts_each_channel_alone():
    image = np.full((4, 4, 3), 100, np.uint8)
    shifts = set()
    for seed in range(20):
        out = _after(ColourCast(20, prob=1), image, seed).astype(int)
        assert (out == out[0, 0]).all()
        assert np.abs(out - 100).max() <= 20
        shifts.add(tuple(out[0, 0]))
    assert len(shifts) > 15
    assert any(len(set(s)) == 3 for s in shifts)
    white = np.full((4, 4, 3), 250, np.uint8)
    assert _after(ColourCast(20, prob=1), white, 0).min() >= 230


def test_local_contrast_grows_and_keeps_grey():
    dull = (picture((64, 64))[..., :1] // 8 + 100).repeat(3, 2)
    out = LocalContrast((4, 4), prob=1)(dict(img=dull))['img']
    assert out.std() > 1.3 * dull.std()
    assert np.ptp(out.astype(int), axis=2).max() <= 2


@pytest.mark.parametrize('make, message', [
    (lambda: RandomBlur([4]), r'odd numbers from 3 on, not \(4,\)'),
    (lambda: RandomBlur([]), 'odd numbers'),
    (lambda: RandomGamma((0., 1.)), 'must be positive'),
    (lambda: ColourCast(prob=2), '`prob` of ColourCast .* not 2'),
])
def test_wrong_arguments(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize('seed', range(12))
def test_rotation_of_mmdet_moves_all_labels_together(seed):
    """configs/_base_/datasets/voc_citys.py relies on it."""
    rotate, clean = (
        TRANSFORMS.build(cfg) for cfg in (
            dict(type='mmdet.Rotate', prob=1., min_mag=2., max_mag=10.),
            dict(type='mmdet.FilterAnnotations', min_gt_bbox_wh=(1, 1),
                 keep_empty=False)))
    mask = np.zeros((64, 128), np.uint8)
    boxes = [[20, 10, 50, 30], [100, 40, 128, 64], [127, 0, 128, 2]]
    for number, (x1, y1, x2, y2) in enumerate(boxes, 1):
        mask[y1:y2, x1:x2] = number
    given = dict(
        img=np.repeat(mask[..., None], 3, 2) * 50,
        img_shape=(64, 128),
        gt_seg_map=mask,
        gt_bboxes=HorizontalBoxes(torch.tensor(boxes, dtype=torch.float32)),
        gt_bboxes_labels=np.array([1, 2, 3]),
        gt_ignore_flags=np.zeros(3, bool))
    np.random.seed(seed)
    out = clean(rotate(given))
    assert out['img'].shape == (64, 128, 3)
    corner = out['gt_seg_map'][[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corner == 255).any() and 2 in out['gt_seg_map']
    left = out['gt_bboxes'].tensor.numpy()
    assert len(left) == len(out['gt_bboxes_labels'])
    for (x1, y1, x2, y2), label in zip(left, out['gt_bboxes_labels']):
        ys, xs = np.nonzero(out['gt_seg_map'] == label)
        # the turned object lies in its box, and fills most of its length
        assert xs.min() >= x1 - 1.5 and xs.max() <= x2 + 1.5
        assert ys.min() >= y1 - 1.5 and ys.max() <= y2 + 1.5
        assert np.ptp(xs) + 3 > .6 * (x2 - x1)
    seen = (out['gt_seg_map'] > 0) & (out['gt_seg_map'] < 255)
    # bilinear at the rims only
    agree = out['img'][..., 0][seen] == out['gt_seg_map'][seen] * 50
    assert agree.mean() > .8


def test_grey():
    image = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    kept = RandomGrey(0.)(dict(img=image))['img']
    grey = RandomGrey(1.)(dict(img=image))['img']
    assert (kept == image).all()
    assert (grey[..., 0] == grey[..., 2]).all() and grey.std() > 0
