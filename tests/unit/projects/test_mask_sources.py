import shutil

import numpy as np
import pytest
from PIL import Image

from mmmultas.projects.class_names import parse_names
from mmmultas.projects.mask_sources import find_masks, legend_of
from mmmultas.testing import Devkit, ShapeFolder
from mmmultas.utils.errors import ConfigError, DataError


@pytest.fixture
def kit(tmp_path):
    return ShapeFolder(tmp_path / 'own', count=4)


def find(kit, masks, images=None, **kwargs):
    return find_masks(str(masks), images or str(kit.root / 'images'), '--seg',
                      **kwargs)


def legend(source, given=None, ignored=None):
    return legend_of([source], given, ignored)


def test_masks_with_an_end_of_their_own(kit):
    found = find(kit, kit.write_masks('m', (0, 7, 8, 9), '_mask.png'))
    assert found.suffix == '_mask.png' and found.names == tuple(kit.names)
    assert list(found.values.masks) == [0, 7, 8, 9]
    assert found.values.masks[0] == 4
    told = legend(found)
    assert told.names == ('background', 'class_7', 'class_8', 'class_9')
    assert told.values == (0, 7, 8, 9)
    assert '--seg-classes' in ' '.join(told.facts)
    assert legend(found, tuple('abcd')).values == (0, 7, 8, 9)
    assert legend(found, tuple('abcdefghij')).values is None
    with pytest.raises(ConfigError, match=r'3 classes.*4 values \(0, 7, 8'):
        legend(found, tuple('abc'))


def test_masks_beside_the_images(kit):
    for name in kit.names:
        shutil.copy(kit.root / f'images/{name}.png', kit.root / 'images'
                    f'/{name}x.jpg')
        (kit.root / f'images/{name}.png').unlink()
    kit.write_masks('images', suffix='x_mask.png')
    found = find(kit, kit.root / 'images')
    assert found.suffix == '_mask.png' and found.image_suffix is None
    assert found.names == tuple(f'{n}x' for n in kit.names)
    for name in kit.names:
        (kit.root / f'images/{name}x_mask.png').rename(
            kit.root / f'images/{name}x.png')
    found = find(kit, kit.root / 'images')
    assert (found.suffix, found.image_suffix) == ('.png', '.jpg')
    assert len(found.names) == 4


def test_a_mask_is_not_its_own_image(kit):
    masks = kit.write_masks()
    with pytest.raises(DataError, match='masks and images are the same files'):
        find(kit, masks, str(masks))
    copy = shutil.copytree(masks, kit.root / 'copy')
    with pytest.raises(DataError, match='are the same picture'):
        find(kit, masks, str(copy))


def test_two_kinds_of_masks(kit):
    kit.write_masks('m', (0, 1, 2, 3), '_labelIds.png')
    masks = kit.write_masks('m', (0, 5, 6, 7), '_instanceIds.png')
    with pytest.raises(ConfigError, match=r'2 kinds: \*_instanceIds.png \(4\)'
                       r', \*_labelIds.png \(4\).*--mask-suffix'):
        find(kit, masks)
    found = find(kit, masks, suffix='_labelIds.png')
    assert list(found.values.masks) == [0, 1, 2, 3]
    assert not found.problems  # it was asked for
    assert 'left out: 4 PNGs that end in another way (im00_inst' in (
        found.facts[-1])


def test_a_mask_per_object(kit):
    for place in range(3):
        kit.write_masks('m', (0, 1, 1, 1), f'_{place}.png')
    with pytest.raises(DataError, match='has 3 masks for the image im0.*one '
                       'mask per image is needed'):
        find(kit, kit.root / 'm')


def test_images_with_an_end_of_their_own(kit):
    for name in kit.names:
        file = kit.root / f'images/{name}.png'
        file.rename(kit.root / f'images/{name}_sat.png')
    found = find(kit, kit.write_masks(suffix='_mask.png'))
    assert (found.suffix, found.image_suffix) == ('_mask.png', '_sat.png')
    assert found.names == tuple(kit.names)


def test_files_that_match_nothing_are_named(kit):
    masks = kit.write_masks()
    (masks / 'im03.png').rename(masks / 'scan3.png')
    found = find(kit, masks)
    assert found.names == ('im00', 'im01', 'im02')
    [problem] = found.problems
    assert 'scan3.png' in problem.reason and 'im00' in problem.reason
    assert 'left out: 1 images' in found.facts[0] and 'im03' in found.facts[0]


def test_classes_of_voc_are_only_those_of_voc(tmp_path):
    kit = Devkit(tmp_path)
    kit.add('a')
    found = find_masks(str(tmp_path), None, '--seg')
    assert found.values.masks == {0: 1, 8: 1, 12: 1, 255: 1}
    told = legend(found)
    assert told.names[8] == 'cat' and told.values is None
    own = tmp_path / 'mine'
    (tmp_path / 'VOC2012').rename(own)
    shutil.rmtree(own / 'Annotations')
    found = find_masks(str(own), None, '--seg')
    assert legend(found).names == ('background', 'class_8', 'class_12')
    (own / 'class_names.txt').write_text('_background_\n' + '\n'.join(
        f'c{i}' for i in range(1, 13)))
    found = find_masks(str(own), None, '--seg')
    assert legend(found).names[8] == 'c8'
    assert legend(found).names[0] == 'background'
    assert 'class_names.txt' in legend(found).origin


def test_colours_with_a_list_beside_them(kit):
    masks = kit.write_colours()
    values = ('#000000', '#5050fa', '#50fa50', '#fa5050')
    found = find(kit, masks)
    assert tuple(found.values.masks) == values
    assert legend(found).names[:2] == ('background', 'class_5050fa')
    (masks.parent / 'labelmap.txt').write_text(
        '# label:color_rgb:parts:actions\nbackground:0,0,0::\n'
        'circle:250,80,80::\nsquare:80,250,80::\ntriangle:80,80,250::\n')
    told = legend(find(kit, masks))
    assert dict(zip(told.names, told.values)) == {
        'background': '#000000', 'circle': '#fa5050', 'square': '#50fa50',
        'triangle': '#5050fa'}
    (masks.parent / 'labelmap.txt').write_text('background:0,0,0::\n')
    with pytest.raises(DataError, match=r'no class for the values #5050fa, '
                       r'.*im0..png.*name=value'):
        legend(find(kit, masks))


def test_names_by_value(kit):
    found = find(kit, kit.write_masks(values=(0, 7, 8, 255)))
    told = legend(found, parse_names(['all=7,8', 'rest=0', 'line=255']))
    assert told.names == ('all', 'rest', 'line')
    assert told.values == ((7, 8), 0, 255) and told.ignored == ()
    with pytest.raises(ConfigError, match='no class for the values 7, 8'):
        legend(found, parse_names(['rest=0']))
    with pytest.raises(ConfigError, match='hold numbers.*names colours'):
        legend(found, parse_names(['a=#000000', 'b=0,7,8']))


def test_the_ignored_value_can_be_chosen(kit):
    found = find(kit, kit.write_masks(values=(0, 7, 8, 255)))
    assert legend(found).ignored == (255, )
    assert legend(found, ignored=(0, )).names == (
        'class_7', 'class_8', 'class_255')


@pytest.mark.parametrize('values, names', [
    ((0, 255, 255, 255), ('background', 'class_255')),
    ((255, 0, 0, 0), ('background', 'class_255')),
])
def test_masks_of_0_and_255_have_two_classes(kit, values, names):
    told = legend(find(kit, kit.write_masks(values=values)))
    assert told.names == names and told.values == (0, 255)
    assert told.ignored == () and '255 is a class' in told.facts[0]
    told = legend(find(kit, kit.root / 'masks'), ('rest', 'thing'))
    assert told.names == ('rest', 'thing') and told.values == (0, 255)


@pytest.mark.parametrize('values, words', [
    ((0, 0, 0, 0), r'one value alone \(0\)'),
    ((255, 255, 255, 255), r'one value alone \(nothing, besides 255'),
])
def test_one_class_is_none(kit, values, words):
    with pytest.raises(DataError, match=words):
        legend(find(kit, kit.write_masks(values=values)))


def test_masks_that_cannot_be_used(kit):
    masks = kit.root / 'masks'

    def fails(words, error=DataError, path=masks):
        with pytest.raises(error, match=words):
            legend(find(kit, path))

    fails('does not exist.*COCO json', ConfigError, kit.root / 'gone')
    (masks / 'x').mkdir(parents=True)
    fails('holds no PNG: it is an empty folder')
    Image.new('L', (9, 9)).save(masks / 'other.png')
    fails('masks are called other, images im00, im01')
    (masks / 'other.png').unlink()
    Image.fromarray(np.zeros((64, 80), np.uint16)).save(masks / 'im00.png')
    fails('No mask can be read. .*im00.png has 16 bits per pixel, masks have '
          '8; save it as a PNG of 8 bits')
    kit.write_masks()
    deep = np.zeros((64, 80), np.uint16)
    Image.fromarray(deep).save(masks / 'im00.png')
    found = find(kit, masks)  # one of many is a problem among others
    assert len(found.names) == 4 and len(legend(found).names) == 4
    assert 'has 16 bits' in found.values.problems[0].reason
    kit.write_masks()
    Image.new('RGB', (80, 64)).save(masks / 'im01.png')
    fails('has colours and .* has numbers')


def test_smooth_edges_are_no_classes(kit):
    masks = kit.write_masks(values=(0, 255, 255, 255))
    for path in masks.glob('*.png'):
        picture = Image.open(path)
        small = picture.resize((40, 32)).resize(picture.size, 2)
        small.save(path)
    with pytest.raises(DataError, match=r'smooth edges of two classes.*'
                       r'background=0-127 thing=128-255'):
        legend(find(kit, masks))
    given = parse_names(['background=0-127', 'thing=128-255'])
    told = legend(find(kit, masks), given)
    assert told.values == (tuple(range(128)), tuple(range(128, 256)))
    colours = kit.write_colours()
    for path in colours.glob('*.png'):
        picture = Image.open(path)
        picture.resize((41, 33), 2).resize(picture.size, 2).save(path)
    with pytest.raises(DataError, match='smooth edges'):
        legend(find(kit, colours))


def test_parts_that_differ(kit):
    one = find(kit, kit.write_masks())
    other = find(kit, kit.write_masks('n', suffix='_n.png'))
    with pytest.raises(ConfigError, match=r'\*.png and --val-seg \*_n.png'):
        legend_of([one, other], None, None)
    with pytest.raises(ConfigError, match='write all masks alike'):
        legend_of([one, find(kit, kit.write_colours())], None, None)
    more = find(kit, kit.write_masks('k', values=(0, 1, 2, 9)))
    assert legend_of([one, more], None, None).values == (0, 1, 2, 3, 9)
