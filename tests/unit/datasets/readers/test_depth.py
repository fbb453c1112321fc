import cv2
import numpy as np
import pytest

from mmmultas.utils.errors import DataError


def test_millimetres_become_metres(tmp_path, read):
    values = np.full((4, 6), 1500, np.uint16)
    values[0] = 0
    cv2.imwrite(str(tmp_path / 'a.png'), values)
    found = read('depth', dict(path=tmp_path / 'a.png', scale=.001))
    assert found.dtype == np.float32 and (found[0] == 0).all()
    np.testing.assert_allclose(found[1:], 1.5)


def test_floats_are_the_unit_and_what_is_no_depth_is_invalid(tmp_path, read):
    values = np.full((4, 6, 1), 2.5)
    values[0, :4, 0] = [np.nan, np.inf, -1, 0]
    np.save(tmp_path / 'a.npy', values)
    found = read('depth', dict(path=tmp_path / 'a.npy'))
    assert found[0, :4].tolist() == [0] * 4 and (found[1:] == 2.5).all()
    assert (read('depth', dict(path=tmp_path / 'a.npy', scale=2))[1:] == 5
            ).all()


@pytest.mark.parametrize('values, source, message', [
    (np.ones((4, 6), np.uint8), dict(scale=1), 'has 8 bits, 256 steps'),
    (np.ones((4, 6), np.uint16), {},
     'holds whole numbers without a unit; .*`scale=0.001`'),
    (np.ones((4, 6, 3), np.uint16), dict(scale=1), 'has 3 channels'),
    (np.ones((4, 5), np.uint16), dict(scale=1), 'is 5×4, its image 6×4'),
])
def test_errors(tmp_path, read, values, source, message):
    cv2.imwrite(str(tmp_path / 'a.png'), values)
    with pytest.raises(DataError, match=f'a.png {message}'):
        read('depth', dict(path=tmp_path / 'a.png', **source))
