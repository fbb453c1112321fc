import shutil

from mmmultas.testing import SHAPES
from mmmultas.testing.label_files import write_polygons


def test_boxes_are_read_in_place(kit, read, same_boxes):
    opened, labels = read(kit.write_coco())
    assert opened.in_place and labels.classes == SHAPES
    same_boxes(labels, names=[f'{n}.png' for n in kit.names])
    assert labels.pictures[0].size == (64, 80) and not labels.has_shapes


def test_a_folder_of_roboflow(kit, read):
    shutil.move(kit.write_coco(), kit.root / 'images/_annotations.coco.json')
    opened, labels = read(kit.root / 'images')
    assert opened.path.endswith('_annotations.coco.json')
    assert len(labels.pictures) == 3 and kit.root / 'images' in opened.places


def test_polygons_are_read_for_masks(kit, read):
    _, labels = read(write_polygons(kit), 'seg')
    assert labels.has_shapes and labels.background
    thing = labels.pictures[0].things[0]
    assert thing.bbox is None and len(thing.shape[0]) > 6
