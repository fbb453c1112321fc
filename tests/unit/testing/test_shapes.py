import json

import numpy as np
from PIL import Image

from mmmultas.datasets.checks import read_voc_xml
from mmmultas.testing import SHAPES, ShapeFolder


def test_every_format_tells_the_same(tmp_path):
    kit = ShapeFolder(tmp_path, count=3)
    coco = json.loads(kit.write_coco().read_text())
    first = [a for a in coco['annotations'] if a['image_id'] == 0]
    objects = read_voc_xml(kit.write_xml() / 'im00.xml').objects
    mask = np.array(Image.open(kit.write_masks() / 'im00.png'))
    colours = np.array(Image.open(kit.write_colours() / 'im00.png'))
    assert Image.open(tmp_path / 'images/im00.png').size == (80, 64)
    for annotation, thing in zip(first, objects, strict=True):
        name = coco['categories'][annotation['category_id'] - 1]['name']
        assert thing.name == name
        x, y, w, h = annotation['bbox']
        assert thing.bbox == (x + 1, y + 1, x + w, y + h)
        value = SHAPES.index(name) + 1
        ys, xs = np.nonzero(mask == value)
        assert (xs.min(), ys.min()) >= (x, y) and ys.max() == y + h - 1
    assert ((mask > 0) == colours.any(-1)).all()
    shifted = np.array(Image.open(
        kit.write_masks('m', (9, 5, 6, 7), '_m.png') / 'im00_m.png'))
    assert set(np.unique(shifted)) <= {9, 5, 6, 7}
