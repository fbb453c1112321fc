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
    path.write_text('<annotations><image name="im00.png" width="80" '
                    'height="64"><box label="x" xtl="9" ytl="1" xbr="2" '
                    'ybr="8"/></image></annotations>')
    assert 'cannot be read' in read(path)[1].problems[0].reason
