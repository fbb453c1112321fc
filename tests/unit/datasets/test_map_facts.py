import cv2
import numpy as np
import pytest

from mmmultas.datasets.map_facts import facts_of, read_label
from mmmultas.datasets.readers import BoxLabels, LabelReader
from mmmultas.utils.errors import DataError


def facts(kind, path, values, **source):
    if path.suffix == '.npy':
        np.save(path, values)
    else:
        cv2.imwrite(str(path), values)
    source['path'] = str(path)
    return facts_of(*read_label(kind, source, values.shape[:2]), source)


def test_depth(tmp_path):
    values = np.full((2, 4), 2000, np.uint16)
    values[0] = 0, 1000, 2000, 4000
    found = facts('depth', tmp_path / 'a.png', values, scale=.001)
    assert (found.pixels, found.known) == (8, 7)
    assert (found.low, found.middle, found.high) == (1, 2, 4)
    assert found.counts is None


def test_depth_below_0_and_no_numbers(tmp_path):
    values = np.array([[-1, -2, 3, np.nan, np.inf, 0]])
    found = facts('depth', tmp_path / 'a.npy', values)
    assert (found.known, found.negative, found.odd) == (1, 2, 2)
    found = facts('depth', tmp_path / 'a.npy', np.array([[-1., -1, 3]]))
    assert (found.known, found.negative, found.odd) == (1, 0, 0)  # a mark
    assert facts('depth', tmp_path / 'a.png', np.zeros(
        (1, 2), np.uint16), scale=1).negative == 0


def test_nothing_is_known(tmp_path):
    found = facts('depth', tmp_path / 'a.npy', np.full((2, 4), np.nan))
    assert found.known == 0 and found.low is None


def test_normals(tmp_path):
    values = np.zeros((2, 4, 3), np.float32)
    values[0, :3, 2] = 1
    found = facts('normals', tmp_path / 'a.npy', values)
    assert (found.pixels, found.known, found.low) == (8, 3, None)


def test_yes_and_no(tmp_path):
    values = np.array([[0, 255, 100, 255]], np.uint8)
    found = facts('edges', tmp_path / 'a.png', values, ignore=100)
    assert found.known == 3
    assert found.counts[[0, 1, 255]].tolist() == [1, 2, 1]


def test_a_kind_of_ones_own_counts_what_is_no_nan():
    label = np.array([[np.nan, -3, 5]])
    found = facts_of(LabelReader(None), label)
    assert (found.known, found.low, found.high) == (2, -3, 5)


def test_boxes_are_no_map():
    assert facts_of(LabelReader(None), BoxLabels(None, None, None)) is None


def test_another_size(tmp_path):
    np.save(tmp_path / 'a.npy', np.ones((2, 4)))
    with pytest.raises(DataError, match='is 4×2, its image 9×9'):
        read_label('depth', dict(path=str(tmp_path / 'a.npy')), (9, 9))
