import base64
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmmultas.testing import SHAPES
from mmmultas.testing.label_files import write_labelme


def test_rectangles(kit, read, same_boxes):
    opened, labels = read(write_labelme(kit))
    assert labels.classes == SHAPES and kit.root / 'images' in opened.places
    same_boxes(labels)
    assert labels.pictures[0].size == (64, 80)


def test_polygons_are_boxes_and_masks(kit, read, same_boxes):
    same_boxes(read(write_labelme(kit, polygons=True))[1], tolerance=1.5)
    _, labels = read(kit.root / 'labelme', 'seg')
    assert labels.has_shapes and not labels.problems


def labelled(kit, read, *shapes, task='det'):
    """What is read of one json with these shapes."""
    path = kit.path('one/im00.json')
    path.write_text(json.dumps(dict(
        imageHeight=64, imageWidth=80, shapes=[
            dict(label='x', shape_type=kind, points=points, **more)
            for kind, points, more in shapes])))
    return read(path.parent, task)[1]


@pytest.mark.parametrize('kind, points, box', [
    ('rectangle', [[9, 30], [3, 2]], (3, 2, 9, 30)),
    ('rectangle', [[3, 2], [9, 2], [9, 30], [3, 30]], (3, 2, 9, 30)),
    ('circle', [[40, 30], [43, 34]], (35, 25, 45, 35)),
    ('oriented_rectangle', [[5, 0], [9, 4], [5, 8], [1, 4]], (1, 0, 9, 8)),
    (None, [[5, 0], [9, 4], [5, 8]], (5, 0, 9, 8))])
def test_whatever_has_an_area_is_a_box_and_a_mask(kit, read, kind, points,
                                                  box):
    labels = labelled(kit, read, (kind, points, {}))
    thing, = labels.pictures[0].things
    assert thing.bbox == pytest.approx(box) and not labels.problems
    x, y = np.reshape(thing.shape[0], (-1, 2)).T
    assert (x.min(), y.min(), x.max(), y.max()) == pytest.approx(box)


def test_painted_masks(kit, read):
    """A PNG of the window between two corners, both of which are inside."""
    window = np.array([[0, 255, 255], [255, 0, 0]], np.uint8)
    data = cv2.imencode('.png', window)[1].tobytes()
    text = base64.b64encode(data).decode()
    labels = labelled(
        kit, read, ('mask', [[10, 5], [12, 6]], dict(mask=text)),
        ('mask', [[10, 5], [13, 6]], dict(mask=text)),
        ('mask', [[78, 5], [80, 6]], dict(mask=text)),
        ('mask', [[1, 5], [3, 6]], dict(mask='?')))
    thing, = labels.pictures[0].things
    assert thing.bbox == (10, 5, 13, 7)
    runs = coco_mask.frPyObjects(thing.shape, 64, 80)
    expected = np.zeros((64, 80))
    expected[5:7, 10:13] = window > 0
    assert (coco_mask.decode(runs) == expected).all()
    assert len(labels.problems) == 3
    assert 'another size than its corners' in labels.problems[0].reason


@pytest.mark.parametrize('task', ['det', 'seg'])
@pytest.mark.parametrize('kind, points', [
    ('point', [[5, 5]]), ('line', [[0, 0], [1, 1]]), ('points', []),
    ('linestrip', [[0, 0], [4, 1], [9, 9]]), ('polygon', [[0, 0], [1, 1]])])
def test_what_is_no_area_is_said(kit, read, kind, points, task):
    labels = labelled(kit, read, (kind, points, {}), task=task)
    assert not labels.pictures[0].things
    assert f"{kind} of 'x', which is no area" in labels.problems[0].reason


def test_groups_are_said(kit, read):
    shapes = [('rectangle', [[1, 1], [5, 5]], dict(group_id=g))
              for g in (0, 0, None, None, 1)]
    assert '2 shapes are in a group' in labelled(kit, read, *shapes).facts[0]
    assert not labelled(kit, read, *shapes[2:]).facts


def test_broken_files_and_shapes(kit, read):
    path = write_labelme(kit) / 'im00.json'
    path.write_text(json.dumps(dict(other=1)))
    _, labels = read(path.parent)
    assert 'no json of LabelMe' in labels.problems[0].reason
    labels = labelled(kit, read, ('rectangle', [[1, 'a'], [2, 3]], {}))
    assert 'cannot be read (could not conv' in labels.problems[0].reason
