import cv2
import numpy as np
import pytest

from mmmultas.datasets.folder import mask_table
from mmmultas.datasets.label_map import LabelSpace
from mmmultas.utils.errors import DataError


def test_numbers_become_train_ids(tmp_path, read):
    values = np.zeros((4, 6), np.uint8)
    values[1] = 9
    cv2.imwrite(str(tmp_path / 'a.png'), values)
    lut = mask_table(LabelSpace.build(('floor', 'cup')), [0, 9])
    found = read('classes', dict(path=tmp_path / 'a.png', lut=lut))
    assert (found == (values == 9)).all() and found.dtype == np.uint8
    with pytest.raises(DataError, match='outside the label set .9.'):
        read('classes', dict(path=tmp_path / 'a.png', lut=mask_table(
            LabelSpace.build(('floor', 'cup')))))
