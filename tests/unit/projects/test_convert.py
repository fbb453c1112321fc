import numpy as np
from PIL import Image

from mmmultas.datasets.coco import read_coco
from mmmultas.projects.convert import write_boxes, write_masks
from mmmultas.projects.readers import open_labels
from mmmultas.projects.records import LabelSet, Picture, Thing
from mmmultas.testing import SHAPES, ShapeFolder
from mmmultas.testing.label_files import (write_panoptic, write_polygons,
                                          write_yolo)


def images_of(kit):
    return {n: str(kit.root / f'images/{n}.png') for n in kit.names}


def test_boxes_come_out_as_they_were(tmp_path):
    kit = ShapeFolder(tmp_path, 3)
    images = images_of(kit)
    labels = open_labels(str(write_yolo(kit)), 'det').read(images, 'det')
    pairs = {n: n for n in kit.names[:2]}
    write_boxes(labels, pairs, images, str(kit.root / 'images'),
                tmp_path / 'out/x.json')
    coco = read_coco(tmp_path / 'out/x.json')
    assert coco.classes == SHAPES
    assert [i.file_name for i in coco.images] == ['im00.png', 'im01.png']
    for image, name in zip(coco.images, kit.names):
        assert image.size == (64, 80)
        for box, (label, drawn) in zip(image.boxes, kit.boxes[name]):
            assert box.name == SHAPES[label]
            assert np.allclose(box.bbox, drawn, atol=0.01)


def test_masks_are_drawn(tmp_path):
    kit = ShapeFolder(tmp_path, 3)
    images = images_of(kit)
    path = str(write_polygons(kit))
    labels = open_labels(path, 'seg').read(images, 'seg')
    pairs = {f'{n}.png': n for n in kit.names}
    names = ('background', *SHAPES)
    assert not write_masks(labels, names, pairs, images, tmp_path / 'm')
    for name in kit.names:
        drawn = np.asarray(Image.open(tmp_path / f'm/{name}.png'))
        assert (drawn == kit.masks[name]).mean() > 0.95
        assert set(np.unique(drawn)) == set(np.unique(kit.masks[name]))


def test_numbers_are_those_of_the_names(tmp_path):
    """Two files name the classes in another order; their masks agree."""
    kit = ShapeFolder(tmp_path, 2)
    images = images_of(kit)
    pairs = {f'{n}.png': n for n in kit.names}
    names = ('ground', 'triangle', 'circle', 'square')
    labels = open_labels(str(write_panoptic(kit)), 'seg').read(images, 'seg')
    write_masks(labels, names, pairs, images, tmp_path / 'm')
    drawn = np.asarray(Image.open(tmp_path / 'm/im00.png'))
    assert (drawn == np.array([0, 2, 3, 1])[kit.masks['im00']]).all()
    labels = open_labels(str(write_polygons(kit)), 'seg').read(images, 'seg')
    write_masks(labels, names, pairs, images, tmp_path / 'n')
    other = np.asarray(Image.open(tmp_path / 'n/im00.png'))
    assert (drawn == other).mean() > 0.95


def test_shapes_that_cannot_be_drawn_are_problems(tmp_path):
    labels = LabelSet(('a', ), [
        Picture('x.png', (9, 9), (Thing('a', None, [[1, 2]]), )),
        Picture('y.png', (9, 9), (Thing('a', None, [[1, 1, 5, 1, 5, 5]]), ))])
    [problem] = write_masks(labels, ('b', 'a'), {'x.png': 'x', 'y.png': 'y'},
                            {}, tmp_path)
    assert problem.file == 'x.png' and 'three or more points' in (
        problem.reason)
    assert (tmp_path / 'y.png').is_file()
    assert not (tmp_path / 'x.png').exists()
