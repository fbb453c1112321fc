import json

import numpy as np
import pytest
from PIL import Image

from mmmultas.datasets.transforms.loading import decode_mask
from mmmultas.datasets.writing import (is_whole_png, silent, write_json,
                                       write_png, write_whole)
from mmmultas.utils.errors import DataError


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / 'new/x.bin'
    write_whole(path, b'one')
    write_whole(path, b'two')
    assert path.read_bytes() == b'two'
    assert [p.name for p in path.parent.iterdir()] == ['x.bin']


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    (tmp_path / 'x').write_text('a file, no folder')
    with pytest.raises(DataError, match=r'x/y.json cannot be written \('):
        write_json(tmp_path / 'x/y.json', [])
    (tmp_path / 'z').mkdir()
    with pytest.raises(DataError, match='z cannot be written'):
        write_whole(tmp_path / 'z', b'')
    assert not (tmp_path / 'z.part').exists()


def test_json(tmp_path):
    write_json(tmp_path / 'x.json', {'a': [1, 2.5]})
    assert (tmp_path / 'x.json').read_text() == '{"a":[1,2.5]}'
    assert json.loads((tmp_path / 'x.json').read_text()) == {'a': [1, 2.5]}


def test_numbers_keep_with_a_palette(tmp_path):
    mask = np.uint8([[0, 1], [2, 255]])
    path = tmp_path / 'x.png'
    write_png(path, mask, palette=[(1, 2, 3), (4, 5, 6)])
    assert (decode_mask(path.read_bytes(), 'x') == mask).all()
    with Image.open(path) as picture:
        assert picture.convert('RGB').getpixel((1, 0)) == (4, 5, 6)
    write_png(path, mask)
    assert (decode_mask(path.read_bytes(), 'x') == mask).all()


def test_colours_are_rgb(tmp_path):
    write_png(tmp_path / 'x.png', np.uint8([[[9, 8, 7]]]))
    with Image.open(tmp_path / 'x.png') as picture:
        assert picture.getpixel((0, 0)) == (9, 8, 7)


def test_whole_png(tmp_path):
    path = tmp_path / 'x.png'
    assert not is_whole_png(path, (4, 6))
    write_png(path, np.zeros((4, 6), np.uint8))
    assert is_whole_png(path, (4, 6))
    assert not is_whole_png(path, (6, 4))
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole_png(path, (4, 6))


def test_silent_hands_on():
    assert list(silent(iter('ab'), total=2, what='letters')) == ['a', 'b']
