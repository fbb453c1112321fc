import os
import struct

import pytest
from fuzz.corpus import chunk, images, raw_png

from mmmultas.datasets.files import (picture_size, png_header, read_bytes,
                                     refuse_bomb, shown)
from mmmultas.datasets.transforms.loading import LoadImage, decode_mask
from mmmultas.utils.errors import DataError


def test_plain_files_are_read(tmp_path):
    path = tmp_path / 'x'
    path.write_bytes(b'hello')
    assert read_bytes(path, 'mask') == b'hello'
    assert read_bytes(path, 'mask', head=2) == b'he'


@pytest.mark.parametrize('make, message', [
    (lambda path: None, 'Cannot read the mask .*No such file'),
    (lambda path: path.mkdir(), 'Is a directory|no plain file'),
    (os.mkfifo, 'no plain file'),
    (lambda path: path.symlink_to('/dev/zero'), 'no plain file'),
    (lambda path: path.write_bytes(bytes(2000)), 'more than the 0 that'),
])
def test_what_could_hang_or_fill_the_memory(tmp_path, make, message):
    path = tmp_path / 'x'
    make(path)
    with pytest.raises(DataError, match=message) as error:
        read_bytes(path, 'mask', limit=1000)
    assert str(path) in str(error.value)


def test_names_that_no_file_has():
    with pytest.raises(DataError, match='null'):
        read_bytes('a\0b', 'mask')


JPEG = images()[0]


@pytest.mark.parametrize('data', [
    raw_png([[0]], 8, 2, (60000, 60000)),
    b'BM' + struct.pack('<IIIIiiHH', 99, 0, 54, 40, 60000, 60000, 1, 24) +
    bytes(24),
    JPEG.replace(b'\0\x28\0\x3c', b'\xea\x60\xea\x60', 1),
    # libjpeg looks for the next marker, and so must we
    JPEG[:2] + b'garbage' + JPEG[2:].replace(
        b'\0\x28\0\x3c', b'\xea\x60\xea\x60', 1),
])
def test_bombs_are_not_unpacked(data):
    with pytest.raises(DataError, match='x has more than the 134 million'):
        refuse_bomb(data, 'x', 'image')


def test_sizes_of_pictures():
    sizes = [picture_size(data) for data in images()[:13]]
    assert sizes == [(40, 60)] * 13
    assert picture_size(b'hello') is picture_size(b'') is None
    assert picture_size(b'\xff\xd8\xff\xd9') is None
    assert png_header(b'\x89PNG\r\n\x1a\n') is None
    with pytest.raises(DataError, match='x is no mask'):
        refuse_bomb(b'hello', 'x', 'mask')


def test_a_chunk_that_claims_four_gigabytes(tmp_path):
    good = raw_png([[0, 1]])
    bad = good.replace(b'\0\0\0\0IEND', b'\xff\xff\xff\xffIEND')
    with pytest.raises(DataError, match='no mask that can be decoded'):
        decode_mask(bad, 'x')
    # what follows the last chunk is no business of ours
    assert decode_mask(good + b'\xff' * 99, 'x').tolist() == [[0, 1]]


def test_a_broken_animation_is_a_still(tmp_path):
    """OpenCV 4.12 crashes where a later frame cannot be unpacked."""
    good = raw_png([[0, 0, 0]] * 9, 8, 0, (9, 3))
    place = good.index(b'IDAT') - 4
    frame = struct.pack('>IIIIIHHBB', 0, 9, 3, 0, 0, 1, 1, 0, 0)
    data = (good[:place] + chunk(b'acTL', struct.pack('>II', 2, 0)) +
            chunk(b'fcTL', frame) + good[place:-12] + chunk(b'fcTL', frame) +
            chunk(b'fdAT', b'\0\0\0\2broken') + good[-12:])
    path = tmp_path / 'x.png'
    path.write_bytes(data)
    still = LoadImage()({'img_path': str(path)})['img']
    path.write_bytes(good)
    assert (still == LoadImage()({'img_path': str(path)})['img']).all()


def test_what_is_shown():
    assert shown('cat') == "'cat'" and shown(None) == 'None'
    assert shown('a\nb') == "'a\\nb'" and shown('x' * 9, 3) == "'xxx…"
    nested = []
    for _ in range(5000):
        nested = [nested]
    assert len(shown(nested)) < 99
