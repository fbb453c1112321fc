"""Whole exports as tools lay them out: one option reads them."""
import shutil

import pytest
from mmengine.config import Config

from mmmultas.projects.data_check import check_data
from mmmultas.projects.new_project import Source, new_project
from mmmultas.testing import ShapeFolder
from mmmultas.testing.label_files import (write_cvat, write_labelme,
                                          write_panoptic, write_polygons,
                                          write_yolo)

PARTS = (('train', 'valid', 'test'), ('train', 'val'),
         ('train2017', 'val2017'))


def kits(root, parts):
    for place, part in enumerate(parts):
        yield part, ShapeFolder(root / part, 6, first=20 * place)


def move_all(source, target):
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        shutil.move(path, target / path.name)
    source.rmdir()


def roboflow_coco(root):
    for _, kit in kits(root, PARTS[0]):
        kit.write_coco('images/_annotations.coco.json')
        move_all(kit.root / 'images', kit.root)
    return root, None, (6, 6)


def roboflow_voc(root):
    for _, kit in kits(root, PARTS[0]):
        kit.write_xml('images')
        move_all(kit.root / 'images', kit.root)
    return root, None, (6, 6)


def roboflow_yolo(root):
    for _, kit in kits(root, PARTS[0]):
        write_yolo(kit)
        shutil.move(kit.root / 'data.yaml', root / 'data.yaml')
        for path in [*kit.root.glob('images/*'), *kit.root.glob('labels/*')]:
            path.rename(path.with_stem(f'{path.stem}_png.rf.0a1b2c'))
    return root / 'data.yaml', None, (6, 6)


def ultralytics(root):
    for part, kit in kits(root / 'drawn', PARTS[1]):
        write_yolo(kit, polygons=True)
        for what in ('images', 'labels'):
            move_all(kit.root / what, root / what / part)
        shutil.move(kit.root / 'data.yaml', root / 'data.yaml')
    return root, root / 'labels', (6, 6)


def coco(root):
    for part, kit in kits(root / 'drawn', PARTS[2]):
        move_all(kit.root / 'images', root / part)
        (root / 'annotations').mkdir(exist_ok=True)
        shutil.move(write_polygons(kit),
                    root / f'annotations/instances_{part}.json')
    file = root / 'annotations/instances_train2017.json'
    return file, file, (6, 6)


def cvat_yolo(root):
    kit = ShapeFolder(root, 6)
    write_yolo(kit)
    for what in ('images', 'labels'):
        move_all(root / what, root / 'obj_train_data')
    (root / 'train.txt').write_text('data/obj_train_data/im00.png\n')
    return root, None, (5, 1)


def cvat_images(root):
    write_cvat(ShapeFolder(root, 6), polygons=True)
    return root, root / 'annotations.xml', (5, 1)


def labelme(root):
    write_labelme(ShapeFolder(root, 6), polygons=True)
    move_all(root / 'images', root / 'labelme')
    return root / 'labelme', root / 'labelme', (5, 1)


def panoptic(root):
    file = write_panoptic(ShapeFolder(root, 6))
    return file, file, (5, 1)


def cityscapes(root):
    for part, kit in kits(root / 'drawn', PARTS[1]):
        kit.write_masks('m', suffix='_gtFine_labelIds.png')
        move_all(kit.root / 'm', root / f'gtFine/{part}/aachen')
        images = root / f'leftImg8bit/{part}/aachen'
        move_all(kit.root / 'images', images)
        for path in list(images.iterdir()):
            path.rename(images / f'{path.stem}_leftImg8bit.png')
    return None, (root / 'gtFine', root / 'leftImg8bit'), (6, 6)


@pytest.mark.parametrize('layout', [
    roboflow_coco, roboflow_voc, roboflow_yolo, ultralytics, coco, cvat_yolo,
    cvat_images, labelme, panoptic, cityscapes], ids=lambda f: f.__name__)
def test_an_export_is_read_as_it_is(tmp_path, layout):
    root = tmp_path / 'export'
    det, seg, (train, val) = layout(root)
    seg = seg if isinstance(seg, tuple) else (seg, )
    project = new_project(
        Source(str(det)) if det else None,
        Source(*map(str, seg)) if seg[0] else None,
        str(tmp_path / 'my.py'), model='rn18_fpn')
    tasks = [t for t, path in (('det', det), ('seg', seg[0])) if path]
    assert project.train == dict.fromkeys(tasks, train)
    assert project.val == dict.fromkeys(tasks, val)
    report = check_data(Config.fromfile(project.out))
    # too few images for every class to be in training
    wrong = [p for p in report.problems if p.kind != 'rare']
    assert not wrong and not project.problems
    streams = {s.name.split(',')[0]: s for s in report.streams}
    if 'det' in tasks:
        assert streams['train/det'].learnt == 2 * train
    if 'seg' in tasks:
        pixels = streams['train/seg'].pixels
        assert 0.7 < pixels[0] / pixels.sum() < 0.9
        assert (pixels[1:4] > 0).all() and not pixels[255]
