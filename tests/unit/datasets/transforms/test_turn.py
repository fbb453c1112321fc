import random

import numpy as np
import pytest

from mmmultas.datasets.readers import BoxLabels
from mmmultas.datasets.transforms import (RandomTurn, SecondView, Squash,
                                          TeacherView)
from mmmultas.utils.errors import ConfigError


def _results(side=40, **labels):
    """A picture whose four quarters differ, and maps."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 200, (side // 8, side // 8, 3), np.uint8)
    image = np.kron(coarse, np.ones((8, 8, 1), np.uint8))
    return dict(img=image, img_shape=(side, side), from_teacher=np.eye(3),
                tasks=tuple(k.removeprefix('gt_').replace('_map', '')
                            for k in labels), **labels)


def test_a_quarter_turn_moves_every_pixel():
    numbers = np.arange(1600, dtype=np.uint16).reshape(40, 40) % 255
    normals = np.zeros((40, 40, 3), np.float32)
    normals[:, :20, 0], normals[:, 20:, 1] = 1, 1  # right; down
    normals[0, 0] = 0
    depth = numbers.astype(np.float32) + 1
    given = _results(gt_seg_map=numbers.astype(np.uint8), gt_depth=depth,
                     gt_normals=normals, gt_edges=np.uint8(numbers % 2))
    image = given['img'].copy()
    turned = RandomTurn().turn(given, 90, 1.)
    for now, before in ((turned['img'], image), (
            turned['gt_seg_map'], numbers), (turned['gt_depth'], depth),
            (turned['gt_edges'], numbers % 2)):
        np.testing.assert_array_equal(now, np.rot90(before))
    # against the clock what looked right looks up, what looked down right
    where = np.rot90(normals)
    expected = np.stack([where[..., 1], -where[..., 0], where[..., 2]], -1)
    np.testing.assert_allclose(turned['gt_normals'], expected, atol=1e-6)
    # the corner at the upper left comes to the lower left, where pixels end
    point = turned['from_teacher'] @ [0, 0, 1]
    np.testing.assert_allclose(point, [0, 40, 1], atol=1e-9)


def test_what_is_filled_takes_no_part():
    given = _results(
        gt_seg_map=np.ones((40, 40), np.uint8),
        gt_depth=np.full((40, 40), 2, np.float32),
        gt_normals=np.tile(np.float32([0, .6, .8]), (40, 40, 1)))
    turned = RandomTurn(img_fill=7).turn(given, 30, .5)
    assert (turned['img'][0, 0] == 7).all()
    assert turned['gt_seg_map'][0, 0] == 255
    assert turned['gt_depth'][0, 0] == 0 == abs(turned['gt_normals'][0, 0]
                                                ).sum()
    # smaller is farther away; normals keep their length
    assert turned['gt_depth'][20, 20] == 4
    y, x = .6 * np.cos(np.pi / 6), .6 * np.sin(np.pi / 6)
    np.testing.assert_allclose(
        turned['gt_normals'][20, 20], [x, y, .8], atol=1e-5)
    lengths = np.linalg.norm(turned['gt_normals'], axis=-1)
    assert set(np.unique(lengths.round(4))) == {0, 1}


def test_angles_and_scales_are_drawn_within_their_range(monkeypatch):
    drawn = []
    turn = RandomTurn(20, (.75, 1.25))
    monkeypatch.setattr(turn, 'turn', lambda r, *args: drawn.append(args))
    random.seed(0)
    for _ in range(200):
        turn.transform({})
    angles, scales = np.array(drawn).T
    assert -20 <= angles.min() < -18 and 18 < angles.max() <= 20
    assert .75 <= scales.min() < .78 and 1.22 < scales.max() <= 1.25


def test_boxes_are_refused():
    boxes = BoxLabels(np.zeros((0, 4), np.float32), np.zeros(0, np.int64),
                      np.zeros(0, bool))
    given = _results()
    given.update(tasks=('cars', ), gt_cars=boxes, kinds=dict(cars='boxes'))
    with pytest.raises(ConfigError, match="boxes of 'cars'.*CropExpand"):
        RandomTurn()(given)


@pytest.mark.parametrize('kwargs, words', [
    (dict(angle=-1), 'from 0 to 180'), (dict(angle=True), 'not True'),
    (dict(scales=(1.25, .75)), 'least'), (dict(scales=1.), 'least'),
    (dict(scales=(0, 1)), 'least'), (dict(scales=(.5, 1, 2)), 'least')])
def test_numbers_that_are_none(kwargs, words):
    with pytest.raises(ConfigError, match=words):
        RandomTurn(**kwargs)


@pytest.mark.parametrize('kind', [SecondView, TeacherView])
def test_no_view_of_two_turns(kind):
    turn = dict(type='mmmultas.RandomTurn')
    with pytest.raises(ConfigError, match=f'{kind.__name__} has RandomTurn, '
                       'which turns the image'):
        kind([turn])
    assert isinstance(kind([dict(type='mmmultas.Squash', size=8)]
                           ).transforms.transforms[0], Squash)
