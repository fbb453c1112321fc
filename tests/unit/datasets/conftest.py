"""A tiny VOCdevkit for the tests of data sets."""
import pytest

from mmmultas.testing import Devkit


@pytest.fixture
def devkit(tmp_path):
    kit = Devkit(tmp_path / 'VOCdevkit')
    for img_id in ('a', 'b', 'c'):
        kit.add(img_id)
    kit.ids(['a', 'b', 'c'])
    return kit
