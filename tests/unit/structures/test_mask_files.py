import numpy as np
import pytest
from PIL import Image

from mmmultas.structures import voc_colour
from mmmultas.structures.mask_files import check_class_count, write_index_mask
from mmmultas.utils.errors import ConfigError


def test_numbers_stay_whoever_reads_them(tmp_path):
    labels = np.array([[0, 1], [2, 254]])
    for name, palette in (('a', None), ('b', [(9, 8, 7)])):
        path = tmp_path / f'{name}.png'
        write_index_mask(path, labels, palette)
        with Image.open(path) as picture:
            assert picture.mode == 'P'
            assert np.array(picture).tolist() == labels.tolist()
            colours = np.array(picture.convert('RGB'))
        assert tuple(colours[0, 0]) == (palette or [(0, 0, 0)])[0]
        assert tuple(colours[0, 1]) == voc_colour(1)


def test_numbers_that_do_not_fit(tmp_path):
    with pytest.raises(ConfigError, match='up to 255 classes'):
        write_index_mask(tmp_path / 'x.png', np.array([[300]]))
    with pytest.raises(ConfigError, match='--seg-out writes masks of 8 bits'):
        check_class_count(300, '--seg-out')
    check_class_count(255, '--seg-out')
