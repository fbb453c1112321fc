import numpy as np
import pytest
from pycocotools import mask as coco_mask

from mmmultas.projects.convert import write_masks
from mmmultas.projects.readers import open_labels
from mmmultas.testing.label_files import write_cvat
from mmmultas.utils.errors import DataError


def test_boxes(kit, read, same_boxes):
    _, labels = read(write_cvat(kit))
    same_boxes(labels, names=[f'{n}.png' for n in kit.names])
    assert labels.pictures[0].size == (64, 80)


def test_polygons(kit, read, same_boxes):
    path = write_cvat(kit, polygons=True)
    same_boxes(read(path)[1], 1.5, names=[f'{n}.png' for n in kit.names])
    assert read(path, 'seg')[1].has_shapes


def test_painted_masks(kit, read, tmp_path):
    """CVAT counts by row within a window, COCO by column."""
    path = kit.path('a.xml')
    path.write_text(
        '<annotations><image name="im00.png" width="80" height="64">'
        '<mask label="cat" rle="1,2,1,2" left="10" top="5" width="3" '
        'height="2"/><polyline label="cat" points="1,1;2,2"/></image>'
        '</annotations>')
    _, labels = read(path, 'seg')
    shape = labels.pictures[0].things[0].shape
    runs = coco_mask.frPyObjects(shape, 64, 80)
    expected = np.zeros((64, 80))
    expected[5, 11:13] = expected[6, 11:13] = 1
    assert (coco_mask.decode(runs) == expected).all()
    assert 'polyline' in labels.problems[0].reason
    assert not write_masks(labels, ('background', 'cat'),
                           {'im00.png': 'im00'}, {}, tmp_path / 'm')


def test_what_is_no_cvat(kit, read):
    path = kit.path('b.xml')
    path.write_text('<annotation></annotation>')
    assert open_labels(str(path), 'det') is None
    path.write_text('<!DOCTYPE x><annotations/>')
    with pytest.raises(DataError, match='DOCTYPE'):
        open_labels(str(path), 'det')


def test_tracks_of_videos_are_sent_back(kit):
    path = kit.path('b.xml')
    path.write_text(
        '<annotations><track id="0" label="cat"><box frame="0" outside="0" '
        'keyframe="1" xtl="1" ytl="2" xbr="9" ybr="8"/></track>'
        '</annotations>')
    with pytest.raises(DataError, match='export the task as "CVAT for images'):
        open_labels(str(path), 'det')


def image_of(kit, read, shapes, task='det', size='width="80" height="64"'):
    path = kit.path('b.xml')
    path.write_text(f'<annotations><image name="im00.png" {size}>{shapes}'
                    '</image></annotations>')
    return read(path, task)[1]


BOX = '<box label="x" xtl="10" ytl="20" xbr="30" ybr="30" rotation="{}"/>'


@pytest.mark.parametrize('shape, box', [
    ('<ellipse label="x" cx="50" cy="40" rx="10" ry="8"/>', (40, 32, 60, 48)),
    ('<ellipse label="x" cx="50" cy="40" rx="10" ry="8" rotation="90"/>',
     (42, 30, 58, 50)),
    (BOX.format('0.0'), (10, 20, 30, 30)),
    (BOX.format('90'), (15, 15, 25, 35)),
    (BOX.format('30'), (8.84, 15.67, 31.16, 34.33)),
    ('<mask label="x" rle="1,2,1,2" left="10" top="5" width="3" height="2"/>',
     (10, 5, 13, 7))])
def test_whatever_has_an_area_is_a_box(kit, read, shape, box):
    labels = image_of(kit, read, shape)
    thing, = labels.pictures[0].things
    assert thing.bbox == pytest.approx(box, abs=0.01)
    assert not labels.problems


def test_masks_of_turned_boxes_are_turned_clockwise(kit, read):
    outline = image_of(kit, read, BOX.format(30), 'seg').pictures[0].things[
        0].shape[0]
    # seen with y downwards, the upper edge falls to the right
    assert outline[:4] == pytest.approx([13.84, 15.67, 31.16, 25.67], abs=.01)


@pytest.mark.parametrize('task', ['det', 'seg'])
@pytest.mark.parametrize('shape', ['points', 'polyline', 'skeleton',
                                   'cuboid'])
def test_what_is_no_area_is_said(kit, read, shape, task):
    labels = image_of(kit, read, f'<{shape} label="x" points="3,4;5,6"/>',
                      task)
    assert not labels.pictures[0].things
    assert f"{shape} of 'x' in im00.png, which is no area" in (
        labels.problems[0].reason)


@pytest.mark.parametrize('shape, reason', [
    ('<polygon label="x" points="1,1;2"/>', 'not enough values'),
    ('<polygon label="x" points="1,1;2,2"/>', 'three or more pairs'),
    ('<box label="x" xtl="9" ytl="1" xbr="2" ybr="8"/>', 'reversed'),
    ('<box label="x" xtl="9" ytl="1" xbr="12"/>', 'has no ybr'),
    ('<ellipse label="x" cx="1" cy="a" rx="1" ry="1"/>', 'could not convert'),
    ('<mask label="x" rle="9" left="1" top="1" width="2" height="2"/>',
     'more runs than pixels')])
def test_one_broken_entry_costs_itself_alone(kit, read, shape, reason):
    labels = image_of(kit, read, shape + BOX.format(0), 'seg')
    assert len(labels.pictures[0].things) == 1
    assert reason in labels.problems[0].reason


def test_tags_and_images_without_a_size(kit, read):
    mask = '<mask label="x" rle="1" left="1" top="1" width="1" height="1"/>'
    labels = image_of(kit, read, mask + '<tag label="night"/>', 'seg', '')
    assert 'no width and height' in labels.problems[0].reason
    assert '1 images have tags' in labels.facts[0]


def test_groups_are_said(kit, read):
    box = BOX.format(0)
    joined = box.replace('label', 'group_id="1" label')
    assert 'group' not in str(image_of(kit, read, box + joined).facts)
    assert '2 shapes are in a group' in image_of(
        kit, read, joined * 2).facts[0]
