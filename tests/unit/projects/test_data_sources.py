import json

import pytest

from mmmultas.projects.data_sources import find_boxes
from mmmultas.projects.mask_sources import find_masks
from mmmultas.testing import SHAPES, Devkit, ShapeFolder
from mmmultas.testing.label_files import write_panoptic, write_polygons
from mmmultas.utils.errors import ConfigError, DataError


@pytest.fixture
def kit(tmp_path):
    return ShapeFolder(tmp_path / 'own', count=4)


def test_boxes_of_every_kind(kit):
    expected = {name: sum(SHAPES[label] == name for boxes in kit.boxes.values()
                          for label, _ in boxes) for name in SHAPES}
    images = str(kit.root / 'images')
    coco = find_boxes(str(kit.write_coco()), None, '--det')
    xml = find_boxes(str(kit.write_xml()), images, '--det')
    for found in (coco, xml):
        assert found.images == images and found.counts == expected
        assert found.names == tuple(kit.names)
        assert found.boxes and not found.problems and not found.facts


@pytest.mark.parametrize('root', ['', 'VOC2012'])
def test_a_devkit_tells_where_things_are(tmp_path, root):
    kit = Devkit(tmp_path)
    kit.add('a')
    path = str(tmp_path / root)
    boxes = find_boxes(path, None, '--det')
    assert boxes.boxes.endswith('VOC2012/Annotations')
    assert boxes.images.endswith('JPEGImages')
    assert boxes.counts == dict(cat=1, dog=1)
    assert boxes.root == tmp_path / 'VOC2012'
    kit.add('b', year='VOC2007')
    if not root:
        with pytest.raises(ConfigError, match='holds 2 roots: name one'):
            find_boxes(path, None, '--det')


@pytest.mark.parametrize('name, images, error, words', [
    ('nowhere', None, ConfigError, 'does not exist.*YOLO txt'),
    ('masks', None, ConfigError, r'folder of 4 .png.*COCO json \('),
    ('far/off', None, ConfigError, 'needs --det-images.*none in'),
    ('xml', 'nowhere', ConfigError, '--det-images .*nowhere is no folder'),
    ('xml', 'masks', DataError, r'0 of these are in .*masks: nothing to '
     r'learn from. The labels name im00, im01, im02, …; the folder holds '
     r'im00_m, im01_m'),
    ('xml2', 'images', DataError, 'has 0 boxes in 1 images, and 1'),
    ('images/im00.png', 'images', ConfigError, 'is a .png: export'),
])
def test_boxes_that_cannot_be_told(kit, name, images, error, words):
    kit.write_xml()
    kit.write_masks(suffix='_m.png')
    kit.one_xml('im00', [], 'xml2')
    kit.one_xml('im00', [('circle', (1, 1, 9, 9))], 'far/off/xml')
    images = images and str(kit.root / images)
    with pytest.raises(error, match=words):
        find_boxes(str(kit.root / name), images, '--det')


def test_reasons_are_not_thrown_away(kit):
    images = [dict(id=f'{i:03}', file_name=f'{n}.png', height=64, width=80)
              for i, n in enumerate(kit.names)]
    path = str(kit.write_coco(images=images))
    with pytest.raises(DataError) as error:
        find_boxes(path, None, '--det')
    for words in ('0 boxes in 4 images, and 4 of these', 'im00.png',
                  'for example 0', "such as '000'",
                  'write the ids of images and annotations alike'):
        assert words in str(error.value)


def test_labels_and_images_without_each_other_are_told(kit):
    path = str(kit.write_coco())
    (kit.root / 'images/im01.png').rename(kit.root / 'images/other.png')
    found = find_boxes(path, None, '--det')
    assert found.names == ('im00', 'im02', 'im03')
    [problem] = found.problems
    assert 'labels of 1 images' in problem.reason
    assert 'im01.png' in problem.reason and 'other' in problem.reason
    assert found.boxes is None  # training would ask for the lost one
    [fact] = found.facts
    assert fact.startswith('left out: 1 images') and '(other)' in fact


def test_names_of_another_machine(kit):
    images = [dict(id=i, file_name=f'C:\\data\\{n}.png')
              for i, n in enumerate(kit.names)]
    found = find_boxes(str(kit.write_coco(images=images)), None, '--det')
    assert found.names == tuple(kit.names) and found.boxes is None
    assert 'last part of their names' in ' '.join(found.facts)


def test_objects_without_what_is_taught_are_a_problem(kit):
    """Left out without a word they would be background, or no object."""
    path = write_polygons(kit)
    content = json.loads(path.read_text())
    del content['annotations'][0]['segmentation']
    path.write_text(json.dumps(content))
    masks = find_masks(str(path), None, '--seg')
    assert '1 object with no outline' in masks.problems[-1].reason
    assert not find_boxes(str(path), None, '--det').problems
    path = write_panoptic(kit)
    content = json.loads(path.read_text())
    del content['annotations'][0]['segments_info'][1]['bbox']
    path.write_text(json.dumps(content))
    boxes = find_boxes(str(path), None, '--det')
    assert '1 object with no box' in boxes.problems[-1].reason
    assert not find_masks(str(path), None, '--seg').problems
