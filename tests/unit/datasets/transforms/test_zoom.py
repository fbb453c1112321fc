import random

import numpy as np
import pytest
import torch

from mmmultas.datasets.transforms import (PackInputs, RandomFlip, SecondView,
                                          ZoomCrop)
from mmmultas.datasets.transforms.zoom import aligned_resize
from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.utils.errors import ConfigError

from .test_views import results


def _labelled():
    given = results()
    ramp = np.tile(np.linspace(1, 2, 80, dtype=np.float32), (64, 1))
    normals = np.zeros((64, 80, 3), np.float32)
    normals[:, :40, 0], normals[:, 50:, 2] = 1, 1
    given.update(tasks=('seg', 'depth', 'normals'), gt_depth=ramp,
                 gt_normals=normals,
                 gt_seg_map=np.tile(np.arange(80, dtype=np.uint8), (64, 1)))
    return given


@pytest.mark.parametrize('released', [False, True])
def test_a_part_is_enlarged(released):
    crop = ZoomCrop(released=released)
    given = crop.cut(_labelled(), 1.5, 5, 10)
    assert given['img'].shape == (64, 80, 3)
    assert given['img_shape'] == (64, 80)
    labels = given['gt_seg_map']
    assert labels[0, 0] == 10 and labels[0, -1] == 62
    # what comes closer is nearer
    column = np.flatnonzero(labels[0] == 30)[0]
    want = np.linspace(1, 2, 80)[30] / 1.5
    assert given['gt_depth'][0, column] == pytest.approx(want)
    lengths = np.linalg.norm(given['gt_normals'], axis=-1)
    blended = (lengths > 1e-6) & (lengths < 1 - 1e-6)
    assert blended.any() == released


def test_disparity_grows():
    given = ZoomCrop(depth='multiply').cut(_labelled(), 1.5, 0, 0)
    assert given['gt_depth'][0, 0] == pytest.approx(1.5)


def test_draws_every_scale_and_stays_inside():
    random.seed(0)
    seen = set()
    for _ in range(30):
        given = ZoomCrop()(_labelled())
        seen.add(round(float(given['gt_depth'].min() * 6)))
        assert given['gt_seg_map'].max() < 80
    assert len(seen) > 2
    same = ZoomCrop(scales=(1., ))(_labelled())
    np.testing.assert_array_equal(same['img'], _labelled()['img'])


def test_corners_stay():
    values = np.arange(12., dtype=np.float32).reshape(3, 4, 1)
    found = aligned_resize(values, (5, 7))
    assert found[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [0, 3, 8, 11]


def _both(**kwargs):
    random.seed(3)
    steps = (ZoomCrop(), SecondView([
        dict(type='mmmultas.RandomFlip', prob=1.),
        dict(type='mmmultas.ZoomCrop', scales=(1.5, ))], **kwargs))
    given = _labelled()
    for step in steps:
        given = step(given)
    return PackInputs()(given)


def test_a_second_view_goes_along():
    packed = _both()
    sample, = [packed['data_samples']]
    view = sample.second_view
    assert view.image.data.shape == packed['inputs'].shape
    assert not view.metainfo['supervised']
    matrix = np.reshape(view.metainfo['from_first'], (3, 3))
    first = sample.gt_sem_seg.sem_seg[0].numpy()
    second = view.gt_sem_seg.sem_seg[0].numpy()
    seen = 0
    for x, y in np.random.default_rng(0).uniform(0, 64, (60, 2)):
        u, v, _ = matrix @ (x, y, 1)
        if 0 <= u < 80 and 0 <= v < 64:
            seen += 1
            assert abs(int(first[int(y), int(x)])
                       - int(second[int(v), int(u)])) <= 2
    assert seen > 15
    # the flip turned the first half of the normals
    assert (view.gt_normals.data[0] <= 0).all()


def test_both_views_are_images_of_one_batch():
    packed = [_both(), _both(supervised=True)]
    data = dict(inputs=[p['inputs'] for p in packed],
                data_samples=[p['data_samples'] for p in packed])
    made = MultiTaskDataPreprocessor()(data, True)
    assert made['inputs'].shape == (4, 3, 64, 80)
    samples = made['data_samples']
    assert [s.metainfo.get('first_view') for s in samples] == [
        None, None, 0, 1]
    assert [s.metainfo.get('supervised') for s in samples] == [
        None, None, False, True]
    assert all(s.gt_sem_seg.sem_seg.dtype == torch.int64 for s in samples)
    assert 'second_view' not in samples[0] and 'image' not in samples[2]
    # the batch may be asked again, and predictions see one view
    again = MultiTaskDataPreprocessor()(data, True)
    torch.testing.assert_close(again['inputs'], made['inputs'])
    assert len(MultiTaskDataPreprocessor()(data)['inputs']) == 2


def test_what_does_not_fit():
    with pytest.raises(ConfigError, match='from 1 on'):
        ZoomCrop(scales=(.5, ))
    for scales in (1.5, '12', (True, ), (float('nan'), ), ()):
        with pytest.raises(ConfigError, match='from 1 on'):
            ZoomCrop(scales=scales)
    with pytest.raises(ConfigError, match='True or False'):
        ZoomCrop(released='no')
    with pytest.raises(ConfigError, match="'divide' or"):
        ZoomCrop(depth='keep')
    with pytest.raises(ConfigError, match='SecondView has Resize'):
        SecondView([dict(type='mmdet.Resize', scale=(8, 8))])
    with pytest.raises(ConfigError, match='both views are one batch'):
        SecondView([dict(type='mmmultas.Squash', size=32)])(results())
    assert RandomFlip(1.)(_labelled())['flip']
