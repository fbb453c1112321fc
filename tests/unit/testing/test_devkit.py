import numpy as np
from PIL import Image

from mmmultas.testing import Devkit


def test_layout(tmp_path):
    kit = Devkit(tmp_path)
    kit.add('a')
    assert kit.ids(['a']) == 'ids.txt'
    root = tmp_path / 'VOC2012'
    assert Image.open(root / 'JPEGImages/a.jpg').size == (60, 40)
    mask = Image.open(root / 'SegmentationClass/a.png')
    assert mask.mode == 'P' and set(np.unique(mask)) == {0, 8, 12, 255}
    assert '<name>cat</name>' in (root / 'Annotations/a.xml').read_text()
