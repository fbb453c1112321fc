import numpy as np
import pytest
from PIL import Image

from mmmultas.projects.data_sources import find_boxes, find_masks, name_values
from mmmultas.testing import SHAPES, Devkit, ShapeFolder
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
        assert found.images == images and dict(found.counts) == expected
        assert found.names == tuple(kit.names)


@pytest.mark.parametrize('root', ['', 'VOC2012'])
def test_a_devkit_tells_where_things_are(tmp_path, root):
    kit = Devkit(tmp_path)
    kit.add('a')
    path = str(tmp_path / root)
    boxes = find_boxes(path, None, '--det')
    assert boxes.boxes.endswith('VOC2012/Annotations')
    assert boxes.images.endswith('JPEGImages')
    assert dict(boxes.counts) == dict(cat=1, dog=1)
    masks = find_masks(path, None, '--seg')
    assert masks.values == {0: 1, 8: 1, 12: 1, 255: 1}
    names, values = name_values(masks, None)
    assert names[0] == 'background' and names[8] == 'cat' and values is None
    kit.add('b', year='VOC2007')
    if not root:
        with pytest.raises(ConfigError, match='holds 2 roots: name one'):
            find_boxes(path, None, '--det')


@pytest.mark.parametrize('name, images, error, words', [
    ('nowhere', None, ConfigError, 'neither a COCO json nor'),
    ('xml', None, ConfigError, 'needs --det-images'),
    ('xml', 'nowhere', ConfigError, '--det-images .*nowhere is no folder'),
    ('xml', 'masks', DataError, '0 of its images'),
    ('xml2', 'images', DataError, 'has 0 boxes'),
    ('images/im00.png', 'images', DataError, 'no usable json'),
])
def test_boxes_that_cannot_be_told(kit, name, images, error, words):
    kit.write_xml()
    kit.write_masks(suffix='_m.png')
    kit.one_xml('im00', [], 'xml2')
    images = images and str(kit.root / images)
    with pytest.raises(error, match=words):
        find_boxes(str(kit.root / name), images, '--det')


def test_masks_with_an_end_of_their_own(kit):
    images = str(kit.root / 'images')
    found = find_masks(str(kit.write_masks('m', (0, 7, 8, 9), '_mask.png')),
                       images, '--seg')
    assert found.suffix == '_mask.png' and found.names == tuple(kit.names)
    assert list(found.values) == [0, 7, 8, 9] and found.values[0] == 4
    assert name_values(found, None) == (
        ('background', 'class_7', 'class_8', 'class_9'), (0, 7, 8, 9))
    assert name_values(found, 'abcd') == (tuple('abcd'), (0, 7, 8, 9))
    assert name_values(found, 'abcdefghij') == (tuple('abcdefghij'), None)
    with pytest.raises(ConfigError, match=r'3 classes.*4 values \(0, 7, 8'):
        name_values(found, 'abc')


def test_masks_of_colours(kit):
    found = find_masks(str(kit.write_colours()), str(kit.root / 'images'),
                       '--seg')
    values = ('#000000', '#5050fa', '#50fa50', '#fa5050')
    assert tuple(found.values) == values
    names, given = name_values(found, None)
    assert names[:2] == ('background', 'class_5050fa') and given == values


def test_borders_are_no_class(kit):
    masks = kit.write_masks(values=(0, 1, 2, 255))
    found = find_masks(str(masks), str(kit.root / 'images'), '--seg')
    assert name_values(found, None) == (
        ('background', 'class_1', 'class_2'), None)


def test_masks_that_cannot_be_used(kit):
    images, masks = str(kit.root / 'images'), kit.root / 'masks'

    def fails(words, error=DataError, path=masks):
        with pytest.raises(error, match=words):
            find_masks(str(path), images, '--seg')

    fails('is no folder', ConfigError, kit.root / 'gone')
    fails('holds no PNG', path=kit.write_xml())
    kit.write_masks()
    with pytest.raises(ConfigError, match='needs --seg-images'):
        find_masks(str(masks), None, '--seg')
    noise = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    Image.fromarray(noise).save(masks / 'im00.png')
    fails('more than 253 colours')
    Image.fromarray(np.zeros((64, 80, 3), np.uint8)).save(masks / 'im00.png')
    fails('im00.png has colours and .* numbers')
    Image.fromarray(np.zeros((64, 80), np.uint16)).save(masks / 'im00.png')
    fails('8 bits')
    (masks / 'im00.png').write_bytes(b'')  # for the check to find
    assert find_masks(str(masks), images, '--seg').values[0] == 3
    for path in masks.iterdir():
        path.rename(path.with_name(f'x{path.name}'))
    fails('named as an image')
