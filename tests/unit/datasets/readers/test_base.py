import numpy as np
import pytest

from mmmultas.datasets.mask_runs import RunCache
from mmmultas.datasets.readers.base import (LabelReader, check_size,
                                            read_values)
from mmmultas.utils.errors import DataError


def test_files_of_numbers(tmp_path):
    np.save(tmp_path / 'a.npy', np.ones((2, 3), np.float64))
    assert read_values(str(tmp_path / 'a.npy')).shape == (2, 3)
    with pytest.raises(NotImplementedError):
        LabelReader(RunCache(1)).read({}, {})


@pytest.mark.parametrize('name, content, message', [
    ('a.npy', b'no', 'is no .npy file of numbers'),
    ('a.exr', b'no', 'is no EXR file'),
    ('a.png', b'no', 'no map that can be decoded'),
])
def test_broken_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_values(str(tmp_path / name))


def test_no_numbers(tmp_path):
    np.save(tmp_path / 'a.npy', np.array(['x']))
    np.save(tmp_path / 'b.npy', np.zeros(4))
    np.save(tmp_path / 'c.npy', np.array([object()]), allow_pickle=True)
    for name, message in (('a', 'holds <U1'), ('b', r'shape \(4,\)'),
                          ('c', 'no .npy file of numbers')):
        with pytest.raises(DataError, match=message):
            read_values(str(tmp_path / f'{name}.npy'))
    with pytest.raises(DataError, match='gone.npy'):
        read_values(str(tmp_path / 'gone.npy'))


def test_sizes():
    check_size(np.zeros((2, 3, 3)), 'x', dict(ori_shape=(2, 3)))
    with pytest.raises(DataError, match='x is 3×2, its image 5×2'):
        check_size(np.zeros((2, 3)), 'x', dict(ori_shape=(2, 5)))
    with pytest.raises(DataError, match='EXIF'):
        check_size(np.zeros((2, 3)), 'x', dict(ori_shape=(3, 2), exif=True))
