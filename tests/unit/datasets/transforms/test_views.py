import random

import numpy as np
import pytest
import torch

from mmmultas.datasets.transforms.filters import RandomGrey
from mmmultas.datasets.transforms.geometry import (CropExpand, RandomFlip,
                                                   Squash)
from mmmultas.datasets.transforms.packing import PackInputs
from mmmultas.datasets.transforms.photometry import PhotometricJitter
from mmmultas.datasets.transforms.views import KeepTeacherView, TeacherView
from mmmultas.models import MultiTaskDataPreprocessor
from mmmultas.utils.errors import ConfigError


def results(size=(64, 80)):
    """A picture whose red tells x and whose green tells y."""
    height, width = size
    img = np.zeros((height, width, 3), np.uint8)
    img[..., 2] = np.linspace(20, 250, width)
    img[..., 1] = np.linspace(20, 250, height)[:, None]
    return dict(img=img, tasks=(), ori_shape=size, img_shape=size)


def _views(seed):
    random.seed(seed)
    np.random.seed(seed)
    own = [dict(type='mmmultas.RandomFlip'),
           dict(type='mmmultas.Squash', size=96)]
    given = TeacherView(own)(Squash((72, 72))(results()))
    for step in (CropExpand(1., height=(.5, 1.4)), RandomFlip(), Squash(128)):
        given = step(given)
    return PackInputs()(given)


def test_a_point_of_one_view_is_where_the_matrix_says():
    seen = 0
    for seed in range(12):
        packed = _views(seed)
        sample = packed['data_samples']
        matrix = np.reshape(sample.metainfo['from_teacher'], (3, 3))
        theirs = sample.teacher_view.data.numpy()
        ours = packed['inputs'].numpy()
        for x, y in np.random.default_rng(seed).uniform(20, 76, (30, 2)):
            u, v, _ = matrix @ (x, y, 1)
            if 8 < u < 120 and 8 < v < 120:
                seen += 1
                far = abs(theirs[:, int(y), int(x)].astype(int)
                          - ours[:, int(v), int(u)])
                assert far.max() <= 16, (seed, x, y)
    assert seen > 100


def test_only_the_teacher_sees_the_plain_picture():
    given = results()
    steps = (CropExpand(1.), Squash(64), KeepTeacherView(),
             PhotometricJitter(prob=1.), RandomGrey(1.))
    for step in steps:
        given = step(given)
    packed = PackInputs()(given)
    sample, image = packed['data_samples'], packed['inputs']
    assert not torch.equal(sample.teacher_view.data, image)
    assert torch.equal(image[0], image[1])  # grey
    assert sample.metainfo['from_teacher'] == (1, 0, 0, 0, 1, 0, 0, 0, 1)


def test_multi_scale_moves_the_matrix():
    packed = _views(0)
    pre = MultiTaskDataPreprocessor()
    pre.sizes = dict(a=256)
    batch = dict(inputs=[packed['inputs']],
                 data_samples=[packed['data_samples']])
    before = np.reshape(packed['data_samples'].metainfo['from_teacher'],
                        (3, 3))
    sample = pre(dict(a=batch), True)['data_samples']['a'][0]
    after = np.reshape(sample.metainfo['from_teacher'], (3, 3))
    np.testing.assert_allclose(after, np.diag([2, 2, 1]) @ before)
    assert sample.teacher_view.data.shape == (3, 96, 96)


def test_without_a_teacher_nothing_is_kept():
    sample = PackInputs()(Squash(32)(results()))['data_samples']
    assert 'teacher_view' not in sample and 'from_teacher' not in sample


def test_a_teachers_view_is_made_by_transforms_that_say_where_they_lead():
    with pytest.raises(ConfigError, match='TeacherView has Resize'):
        TeacherView([dict(type='mmdet.Resize', scale=(8, 8))])
