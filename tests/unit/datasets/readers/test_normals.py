import cv2
import numpy as np
import pytest

from mmmultas.utils.errors import DataError


def vectors():
    rng = np.random.default_rng(0)
    found = rng.normal(size=(4, 6, 3)).astype(np.float32)
    found /= np.linalg.norm(found, axis=2, keepdims=True)
    found[0, 0] = 0
    return found


def test_pictures(tmp_path, read):
    want = vectors()
    picture = np.rint((want + 1) * 127.5).astype(np.uint8)
    picture[0, 0], picture[0, 1] = 0, 128
    cv2.imwrite(str(tmp_path / 'a.png'), picture[..., ::-1])
    found = read('normals', dict(path=tmp_path / 'a.png'))
    assert (found[0, :2] == 0).all()
    np.testing.assert_allclose(found[1:], want[1:], atol=.01)
    np.testing.assert_allclose(np.linalg.norm(found[1:], axis=2), 1, 1e-5)


def test_arrays_of_either_order(tmp_path, read):
    want = vectors()
    for values in (want, want.transpose(2, 0, 1)):
        np.save(tmp_path / 'a.npy', values)
        found = read('normals', dict(path=tmp_path / 'a.npy'))
        np.testing.assert_allclose(found, want, atol=1e-6)


@pytest.mark.parametrize('values, message', [
    (np.full((4, 6, 3), .9), 'holds vectors of length 1.56, not 1'),
    (np.ones((4, 6)), r'has shape \(4, 6\); normals are three'),
    (np.ones((5, 6, 3)), 'is 6×5'),
])
def test_errors(tmp_path, read, values, message):
    np.save(tmp_path / 'a.npy', values)
    with pytest.raises(DataError, match=f'a.npy {message}'):
        read('normals', dict(path=tmp_path / 'a.npy'))
