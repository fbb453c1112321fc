import json

import numpy as np
from PIL import Image

from mmmultas.testing import ShapeFolder
from mmmultas.testing.label_files import (write_cvat, write_labelme,
                                          write_panoptic, write_polygons,
                                          write_yolo)


def test_every_image_has_its_labels(tmp_path):
    kit = ShapeFolder(tmp_path, 3)
    assert len(list(write_yolo(kit).glob('*.txt'))) == 3
    assert len(list(write_labelme(kit).glob('*.json'))) == 3
    assert write_cvat(kit).read_text().count('<box ') == 6
    content = json.loads(write_polygons(kit).read_text())
    assert all(len(a['segmentation'][0]) > 6 for a in content['annotations'])
    content = json.loads(write_panoptic(kit).read_text())
    picture = np.asarray(Image.open(tmp_path / 'panoptic/im00.png'), int)
    ids = picture @ (1, 256, 65536)
    assert {s['id'] for s in content['annotations'][0]['segments_info']
            } == set(np.unique(ids))


def test_polygons_in_place_of_boxes(tmp_path):
    kit = ShapeFolder(tmp_path, 2)
    line = (write_yolo(kit, True) / 'im00.txt').read_text().split('\n')[0]
    assert len(line.split()) > 7
    assert write_cvat(kit, True).read_text().count('<polygon ') == 4
    content = json.loads((write_labelme(kit, True) / 'im01.json').read_text())
    assert {s['shape_type'] for s in content['shapes']} == {'polygon'}
