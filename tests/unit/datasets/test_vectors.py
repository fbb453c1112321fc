import numpy as np

from mmmultas.datasets.vectors import (known_vectors, unit_vectors,
                                       vector_lengths)


def test_lengths_and_directions():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 5, 3)).astype(np.float32)
    vectors[0, 0] = 0
    vectors[0, 1] = 1e-8
    want = np.linalg.norm(vectors, axis=2)
    np.testing.assert_allclose(vector_lengths(vectors), want, rtol=1e-6)
    known = known_vectors(vectors)
    assert not known[0, 0] and known.sum() == 34
    known[2, 3] = False
    units = unit_vectors(vectors, known)
    assert units.dtype == np.float32 and units.shape == (7, 5, 3)
    lost = [(0, 0), (0, 1), (2, 3)]
    assert all((units[place] == 0).all() for place in lost)
    lengths = np.linalg.norm(units, axis=2)
    assert (np.abs(lengths - 1) < 1e-6).sum() == 35 - len(lost)
    np.testing.assert_allclose(
        units[1, 1], vectors[1, 1] / want[1, 1], rtol=1e-6)
