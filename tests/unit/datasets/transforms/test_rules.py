import numpy as np
import pytest

from mmmultas.datasets.transforms.rules import (ClassRule, DepthRule, EdgeRule,
                                                NormalRule, cut_window)
from mmmultas.registry import MAP_RULES


@pytest.mark.parametrize('kind, fill', [
    ('classes', 255), ('saliency', 255), ('edges', 255), ('depth', 0),
    ('normals', 0)])
def test_kinds_and_what_is_outside(kind, fill):
    rule = MAP_RULES.get(kind)()
    values = np.full((4, 6, 3) if kind == 'normals' else (4, 6), 1, np.float32)
    out = rule.cut(values, (4, 2, 8, 6))
    assert out.shape[:2] == (4, 4)
    assert (out[:2, :2] == 1).all() and (out[2:] == fill).all()
    assert (rule.zoom(values, 2.0) == (.5 if kind == 'depth' else 1)).all()


def test_classes_are_never_mixed():
    values = np.array([[0, 7], [255, 3]], np.uint8)
    out = ClassRule().resize(values, (5, 5))
    assert set(np.unique(out)) == {0, 3, 7, 255}
    assert (ClassRule().flip(values) == values[:, ::-1]).all()


@pytest.mark.parametrize('size', [(16, 32), (40, 20), (13, 17), (80, 30)])
def test_a_line_of_one_pixel_survives(size):
    values = np.zeros((64, 64), np.uint8)
    values[31], values[:, 17] = 1, 1
    out = EdgeRule().resize(values, size)
    assert out.shape == size and set(np.unique(out)) == {0, 1}
    assert (out == 1).any(0).all() and (out == 1).any(1).all()
    # no more of it than the pixels that it meets
    assert (out == 1).mean() < 3 * (1 / size[0] + 1 / size[1])


def test_what_is_void_stays_so_where_edges_shrink():
    values = np.zeros((8, 8), np.uint8)
    values[:4], values[0, 0] = 255, 1
    out = EdgeRule().resize(values, (4, 4))
    assert out.tolist() == [[1, 255, 255, 255], [255] * 4, [0] * 4, [0] * 4]


def test_depth_keeps_its_values_and_holes():
    values = np.float32([[0, 2], [4, 8]])
    assert set(np.unique(DepthRule().resize(values, (6, 6)))) == {0, 2, 4, 8}


def test_normals_stay_of_length_one():
    values = np.zeros((8, 8, 3), np.float32)
    values[:, :4] = [1, 0, 0]
    values[:, 4:] = [0, 0, 1]
    values[:2] = 0
    out = NormalRule().resize(values, (4, 5))
    length = np.linalg.norm(out, axis=2)
    assert (length[0] == 0).all()
    np.testing.assert_allclose(length[1:], 1, atol=1e-6)
    # between both sides something between
    assert 0 < out[2, 2, 0] < 1 and 0 < out[2, 2, 2] < 1


def test_mirrored_normals_point_to_the_other_side():
    values = np.float32([[[.6, .8, 0], [0, 0, 1]]])
    out = NormalRule().flip(values)
    np.testing.assert_allclose(out, [[[0, 0, 1], [-.6, .8, 0]]], atol=1e-7)
    np.testing.assert_allclose(NormalRule().flip(out), values, atol=1e-7)


def test_a_window_inside_is_no_copy():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    inside = cut_window(image, (1, 0, 3, 2), 9)
    assert inside.base is not None and inside.tolist() == [[1, 2], [5, 6]]
    assert cut_window(image, (-1, -1, 1, 1), 9).tolist() == [[9, 9], [9, 0]]
