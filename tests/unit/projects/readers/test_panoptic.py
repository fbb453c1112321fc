import json

import numpy as np
import pytest

from mmmultas.testing import SHAPES
from mmmultas.testing.label_files import write_panoptic
from mmmultas.utils.errors import DataError


def test_masks(kit, read):
    opened, labels = read(write_panoptic(kit), 'seg')
    assert labels.classes == ('ground', *SHAPES) and not labels.background
    for picture, name in zip(labels.pictures, kit.names):
        assert (labels.paint(picture) == kit.masks[name]).all()


def test_unlabelled_pixels_and_crowds_take_no_part(kit, read):
    path = write_panoptic(kit)
    content = json.loads(path.read_text())
    ground, first, *_ = content['annotations'][0]['segments_info']
    ground['iscrowd'] = 1
    content['annotations'][0]['segments_info'] = [ground, first]
    path.write_text(json.dumps(content))
    _, labels = read(path, 'seg')
    mask = labels.paint(labels.pictures[0])
    assert set(np.unique(mask)) == {255, first['category_id']}


def test_boxes_of_things(kit, read, same_boxes):
    _, labels = read(write_panoptic(kit))
    names = {t.name for p in labels.pictures for t in p.things}
    assert names == set(SHAPES)  # the ground is no thing


def test_pngs_that_are_elsewhere(kit, read):
    path = write_panoptic(kit)
    (kit.root / 'panoptic').rename(kit.root / 'other')
    with pytest.raises(DataError, match='im00.png, which is neither in'):
        read(path, 'seg')


def test_segments_of_no_category_and_without_a_box(kit, read):
    path = write_panoptic(kit)
    content = json.loads(path.read_text())
    ground, first, *_ = content['annotations'][0]['segments_info']
    ground['category_id'] = 99
    del first['bbox']
    path.write_text(json.dumps(content))
    _, labels = read(path)
    assert '1 segments of a category_id' in labels.problems[0].reason
    assert labels.pictures[0].things[0].bbox is None
