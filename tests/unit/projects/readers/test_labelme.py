import json

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


def test_what_is_no_area_is_said(kit, read):
    path = write_labelme(kit) / 'im00.json'
    content = json.loads(path.read_text())
    content['shapes'].append(dict(label='x', shape_type='line',
                                  points=[[0, 0], [1, 1]]))
    path.write_text(json.dumps(content))
    _, labels = read(path.parent, 'seg')
    assert "a line of 'x', which is no area" in labels.problems[0].reason
    assert len(labels.pictures[0].things) == 2  # rectangles are areas
    path.write_text(json.dumps(dict(other=1)))
    _, labels = read(path.parent)
    assert 'no json of LabelMe' in labels.problems[0].reason
    path.write_text(json.dumps(dict(shapes=[dict(label='a')])))
    assert 'cannot be read as boxes' in read(path.parent)[1].problems[
        0].reason
