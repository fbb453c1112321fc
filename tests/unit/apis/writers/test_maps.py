"""What is written is read again as a label of its kind."""
import numpy as np
import pytest

from mmmultas.datasets.label_map import LabelSpace
from mmmultas.datasets.mask_runs import RunCache
from mmmultas.registry import READERS, WRITERS

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(4, 6, 3)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=2, keepdims=True)
CASES = {
    'classes': (RNG.integers(0, 3, (4, 6)), dict(
        lut=LabelSpace.build(('a', 'b', 'c')).lut()), 0),
    'depth': (RNG.uniform(.1, 9, (4, 6)).astype(np.float32),
              dict(scale=.001), .0006),
    'normals': (VECTORS, {}, .01),
    'edges': (RNG.uniform(0, 1, (4, 6)), dict(threshold=128), None),
    'saliency': (RNG.uniform(0, 1, (4, 6)), dict(threshold=128), None),
}


@pytest.mark.parametrize('kind', CASES)
def test_written_and_read(tmp_path, kind):
    values, source, error = CASES[kind]
    path = tmp_path / 'a.png'
    WRITERS.get(kind)({}).write(path, values)
    read = READERS.get(kind)(RunCache(0)).read(
        dict(source, path=str(path)), dict(ori_shape=(4, 6)))
    if error is None:
        assert (read == (values >= .5)).mean() > .9
    else:
        np.testing.assert_allclose(read, values, atol=error)


def test_depth_beyond_sixteen_bits_is_the_farthest(tmp_path):
    path = tmp_path / 'a.png'
    WRITERS.get('depth')({}).write(path, np.array([[99., np.nan]]))
    read = READERS.get('depth')(RunCache(0)).read(
        dict(path=str(path), scale=.001), dict(ori_shape=(1, 2)))
    np.testing.assert_allclose(read, [[65.535, 0]], rtol=1e-5)
