import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmmultas.datasets.mask_runs import MaskRuns, RunCache

IDENTITY = np.arange(256, dtype=np.uint8)


@given(
    arrays.arrays(np.uint8,
                  arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
                  elements=st.integers(0, 3)))
def test_there_and_back(mask):
    runs = MaskRuns.of(mask)
    assert np.array_equal(runs.mask(IDENTITY), mask)
    assert runs.lengths.min() > 0
    assert (np.diff(runs.values.astype(int)) != 0).all()


def test_values_are_replaced():
    table = IDENTITY.copy()
    table[7] = 255
    mask = np.array([[7, 7, 1], [1, 7, 0]], np.uint8)
    assert MaskRuns.of(mask).mask(table).tolist() == [[255, 255, 1],
                                                      [1, 255, 0]]


def test_what_was_used_longest_ago_goes_first():
    runs = MaskRuns.of(np.zeros((4, 4), np.uint8))
    cache = RunCache(2 * runs.nbytes)
    cache.put('a', runs)
    cache.put('b', runs)
    assert cache.get('a') is runs
    cache.put('c', runs)
    assert cache.get('b') is None
    assert cache.get('a') is runs and cache.get('c') is runs
    assert len(cache) == 2 and cache.nbytes == 2 * runs.nbytes


@pytest.mark.parametrize('limit', [0, 1])
def test_too_small_a_cache_keeps_nothing(limit):
    cache = RunCache(limit)
    cache.put('a', MaskRuns.of(np.zeros((4, 4), np.uint8)))
    assert cache.get('a') is None and cache.nbytes == 0
