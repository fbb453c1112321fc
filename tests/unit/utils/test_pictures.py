import io

import numpy as np
import pytest
from PIL import Image

from mmmultas.utils.errors import DataError
from mmmultas.utils.pictures import (decode_bgr, orientation_of, read_rgb,
                                     swaps_sides)


def photograph(orientation, kind='JPEG'):
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:10, :15] = 255, 0, 0  # top left as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, exif=exif, quality=95)
    return file.getvalue()


@pytest.mark.parametrize('kind', ['JPEG', 'WEBP', 'PNG'])
@pytest.mark.parametrize('orientation, corner, shape', [
    (1, (0, 0), (20, 30)), (3, (-1, -1), (20, 30)), (6, (0, -1), (30, 20)),
    (8, (-1, 0), (30, 20))
])
def test_a_picture_is_turned_as_its_tag_says(tmp_path, kind, orientation,
                                             corner, shape):
    data = photograph(orientation, kind)
    path = tmp_path / 'x'
    path.write_bytes(data)
    found = read_rgb(path)
    assert found.shape[:2] == shape and found[corner][0] > 200
    assert read_rgb(path, exif=False).shape[:2] == (20, 30)
    assert orientation_of(data) == orientation
    assert swaps_sides(orientation) == (shape == (30, 20))


def test_no_picture_is_upright_and_unreadable(tmp_path):
    assert orientation_of(b'') == orientation_of(b'\xff\xd8\xff') == 1
    path = tmp_path / 'x.jpg'
    path.write_bytes(b'no picture')
    with pytest.raises(DataError, match='x.jpg cannot be read'):
        read_rgb(path)
    with pytest.raises(DataError, match='gone.jpg cannot be read'):
        read_rgb(tmp_path / 'gone.jpg')


@pytest.mark.parametrize('orientation', range(1, 9))
def test_all_orientations_agree_with_opencv(orientation):
    webp = decode_bgr(photograph(orientation, 'WEBP')).astype(int)
    png = decode_bgr(photograph(orientation, 'PNG')).astype(int)
    assert webp.shape == png.shape and abs(webp - png).mean() < 10
