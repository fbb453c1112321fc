import cv2
import numpy as np
import pytest

from mmmultas.datasets.decode import decode_image, decode_values
from mmmultas.utils.errors import DataError


@pytest.mark.parametrize('values', [
    np.arange(24, dtype=np.uint8).reshape(4, 6),
    np.arange(24, dtype=np.uint16).reshape(4, 6) * 2000,
    np.arange(72, dtype=np.uint16).reshape(4, 6, 3) * 900,
])
def test_values_are_those_of_the_file(values):
    data = cv2.imencode('.png', values)[1].tobytes()
    assert (decode_values(data, 'x') == values).all()
    for broken in (data[:-20], b'', b'nothing'):
        with pytest.raises(DataError, match='^x is '):
            decode_values(broken, 'x')
        with pytest.raises(DataError, match='^x is '):
            decode_image(broken, 'x', True)
    assert decode_image(data, 'x', True).shape == (4, 6, 3)
