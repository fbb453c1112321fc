import io

import numpy as np
import pytest

from mmmultas.datasets.matlab import struct_field

scipy_io = pytest.importorskip('scipy.io', reason='scipy is not installed')


def mat(content, **options):
    buffer = io.BytesIO()
    scipy_io.savemat(buffer, content, **options)
    return buffer.getvalue()


def boundaries():
    """What stands before the mask in SBD's files: a cell of matrices."""
    from scipy.sparse import csc_matrix
    cell = np.empty((2, 1), object)
    cell[0, 0] = csc_matrix(np.eye(3))
    cell[1, 0] = np.ones((2, 2))
    return cell


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('kind', [
    np.uint8, np.int8, np.uint16, np.int32, np.int64, np.float32, np.float64
])
@pytest.mark.parametrize('shape', [(1, 1), (3, 1), (5, 7), (0, 3)])
def test_numbers_are_those_of_scipy(packed, kind, shape):
    values = (np.arange(np.prod(shape)).reshape(shape) % 21).astype(kind)
    data = mat(
        dict(
            other=np.ones(3),
            GTcls=dict(Boundaries=boundaries(), Segmentation=values,
                       CategoriesPresent=np.uint8([8, 9]))),
        do_compression=packed)
    found = struct_field(data, 'GTcls', 'Segmentation')
    assert found.dtype.kind == np.dtype(kind).kind
    assert np.array_equal(found, values) and found.shape == shape


@pytest.mark.parametrize('content', [
    dict(x=1), dict(GTcls=np.ones(3)), dict(GTcls='text'),
    dict(GTcls=dict(Boundaries=np.ones(2))),
    dict(GTcls=dict(Segmentation='text')),
    dict(GTcls=dict(Segmentation=dict(a=1)))
])
def test_no_such_field(content):
    assert struct_field(mat(content), 'GTcls', 'Segmentation') is None


def test_broken_files():
    data = mat(dict(GTcls=dict(Segmentation=np.ones((9, 9)))))
    packed = mat(
        dict(GTcls=dict(Segmentation=np.ones((9, 9)))), do_compression=True)
    for bad in (b'', b'hello', data[:100], data[:300], data[:-9], packed[:-9],
                packed[:140], data.replace(b'MATLAB 5', b'MATLAB 7')):
        with pytest.raises(ValueError):
            struct_field(bad, 'GTcls', 'Segmentation')


def test_every_cut_and_every_flipped_byte_is_an_error_or_an_array():
    data = mat(dict(GTcls=dict(Segmentation=np.ones((4, 4), np.uint8))))
    for place in range(len(data)):
        for bad in (data[:place],
                    data[:place] + b'\xff' + data[place + 1:]):
            try:
                struct_field(bad, 'GTcls', 'Segmentation')
            except ValueError:
                pass
