import numpy as np
import pytest

from mmmultas.apis.writers.base import MapWriter, write_png


def test_a_writer_says_how(tmp_path):
    with pytest.raises(NotImplementedError):
        MapWriter({}).write(tmp_path / 'a.png', np.zeros((2, 2)))


def test_a_picture_is_written_wholly(tmp_path):
    write_png(tmp_path / 'a.png', np.zeros((2, 2), np.uint8))
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']
