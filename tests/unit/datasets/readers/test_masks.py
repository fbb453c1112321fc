import cv2
import numpy as np
import pytest

from mmmultas.utils.errors import DataError


@pytest.mark.parametrize('kind', ['edges', 'saliency'])
def test_yes_and_no(tmp_path, read, kind):
    values = np.zeros((4, 6), np.uint8)
    values[0], values[1], values[2] = 255, 128, 127
    values[3, 0] = 200
    for name, picture in (('a', values), ('b', np.dstack([values] * 3))):
        cv2.imwrite(str(tmp_path / f'{name}.png'), picture)
        found = read(kind, dict(path=tmp_path / f'{name}.png', ignore=200))
        assert found[:3, 0].tolist() == [1, 1, 0] and found[3, 0] == 255


def test_masks_of_ones(tmp_path, read):
    values = np.zeros((4, 6), np.uint8)
    values[0] = 1
    cv2.imwrite(str(tmp_path / 'a.png'), values)
    with pytest.raises(DataError, match='holds 0 and 1, .*`threshold=1`'):
        read('saliency', dict(path=tmp_path / 'a.png'))
    found = read('saliency', dict(path=tmp_path / 'a.png', threshold=1))
    assert (found == values).all()
    # what is unknown does not hide that
    values[1] = 255
    cv2.imwrite(str(tmp_path / 'c.png'), values)
    with pytest.raises(DataError, match='holds 0 and 1'):
        read('saliency', dict(path=tmp_path / 'c.png', ignore=255))
    # nothing salient is an answer
    cv2.imwrite(str(tmp_path / 'b.png'), values * 0)
    assert not read('saliency', dict(path=tmp_path / 'b.png')).any()


def test_colours(tmp_path, read):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[..., 0] = 9
    cv2.imwrite(str(tmp_path / 'a.png'), picture)
    with pytest.raises(DataError, match='has colours'):
        read('edges', dict(path=tmp_path / 'a.png'))
