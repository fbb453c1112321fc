import cv2
import numpy as np
import pytest

from mmmultas.projects.label_sources import find_label, find_maps
from mmmultas.projects.labels import parse_labels
from mmmultas.projects.matching import Claim
from mmmultas.projects.project import Project
from mmmultas.utils.errors import ConfigError, DataError


def find(text, places=(), **options):
    classes = options.pop('classes', ())
    [label] = parse_labels(
        [text], of_label={k: [v] for k, v in options.items()},
        classes=classes)
    return find_label(label, list(places), Project('x.py'))


def test_depth_in_whole_numbers_wants_a_scale(rooms):
    with pytest.raises(ConfigError, match='depth/0.png holds whole numbers, '
                       'from 9.. to 4...; say what one step is, --scale '
                       'far=0.001 --unit far=m'):
        find(f'far=depth:{rooms}/depth')
    found = find(f'far=depth:{rooms}/depth', scale='far=0.001')
    assert found.extra == dict(scale=.001, unit=None)
    assert '--unit far=m names it' in found.facts[0]
    [part] = found.parts
    assert part.images == str(rooms / 'images')
    assert part.names == tuple('012345') and part.suffix == '.png'


def test_depth_of_8_bits(rooms):
    cv2.imwrite(f'{rooms}/depth/0.png', np.ones((8, 10), np.uint8))
    with pytest.raises(DataError, match='0.png has 8 bits.*16-bit PNGs'):
        find(f'depth={rooms}/depth', scale='depth=1')


def test_floats_hold_the_unit_itself(rooms):
    for i in range(6):
        np.save(rooms / f'normals/{i}.npy', np.ones((8, 10)))
    found = find(f'depth={rooms}/normals', unit='depth=m')
    assert found.extra == dict(scale=None, unit='m') and not found.facts


def test_names_with_an_end_and_files_without_partner(rooms):
    for i in range(5):
        (rooms / f'depth/{i}.png').rename(rooms / f'depth/{i}_depth.png')
    (rooms / 'depth/5.png').rename(rooms / 'depth/other.png')
    [label] = parse_labels([f'depth={rooms}/depth'])
    found = find_maps(str(rooms / 'depth'), str(rooms / 'images'), label)
    assert found.suffix == '_depth.png' and len(found.names) == 5
    assert 'maps are called *_depth.png' in found.facts
    assert 'left out: 1 images' in found.facts[1]
    [problem] = found.problems
    assert '1 maps without an image (other.png)' in str(problem)


def test_classes(rooms):
    found = find(f'parts=classes:{rooms}/parts',
                 classes=[['parts', 'arm', 'leg']])
    assert found.legend.names == ('arm', 'leg')
    assert found.extra['ignore_values'] == (255, )
    assert 'arm = 0, leg = 1' in found.facts[0]
    assert '--label-classes parts' in found.facts[0]
    nameless = find(f'parts=classes:{rooms}/parts')
    assert ("--label-classes parts gives them, or `classes` of 'parts' in "
            '`further` of the config') in nameless.facts[1]
    with pytest.raises(ConfigError, match='--label-classes parts names 1'):
        find(f'parts=classes:{rooms}/parts',
             classes=[['parts', 'arm']])


def test_which_value_is_a_yes(rooms):
    found = find(f'edges={rooms}/edges', ignore='edges=7')
    assert found.extra == dict(ignore=7)
    found = find(f'edges={rooms}/parts')  # 0 and 1
    assert found.extra == dict(threshold=1)
    for i in range(6):
        np.save(rooms / f'normals/{i}.npy', np.full((8, 10), .7))
    assert find(f'x=saliency:{rooms}/normals').extra == dict(threshold=.5)
    with pytest.raises(ConfigError, match='is one value'):
        find(f'edges={rooms}/edges', ignore='edges=7,8')


def test_what_is_not_there(rooms, tmp_path):
    with pytest.raises(ConfigError, match='is no folder: name'):
        find('normals=nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='has no file that ends in .png'):
        find(f'normals={tmp_path}/empty')
    np.save(rooms / 'depth/0.npy', np.ones((8, 10)))
    with pytest.raises(ConfigError, match=r'.png \(6\) and .npy \(1\): '
                       'choose by --label-suffix depth=.png'):
        find(f'depth={rooms}/depth')
    found = find(f'depth={rooms}/depth', suffix='depth=.npy')
    assert found.parts[0].names == ('0', )
    with pytest.raises(ConfigError, match='--label-images normals=DIR is no '
                       'folder|--label-images normals=DIR nowhere is no'):
        find(f'normals={rooms}/normals', images='normals=nowhere')


def test_images_and_maps_in_one_folder(rooms):
    for i in range(6):
        for folder, end in (('images', 'rgb'), ('depth', 'depth')):
            (rooms / folder / f'{i}.png').rename(
                rooms / f'parts/{i}_{end}.png')
        (rooms / f'parts/{i}.png').unlink()
    with pytest.raises(DataError, match='one folder, say how the maps end '
                       r'\(_depth, _rgb\): --label-suffix depth=_depth.png'):
        find(f'depth={rooms}/parts', images=f'depth={rooms}/parts')
    [part] = find(f'depth={rooms}/parts', images=f'depth={rooms}/parts',
                  suffix='depth=_depth.png', scale='depth=1').parts
    assert part.names == tuple('012345')
    assert (part.suffix, part.image_suffix) == ('_depth.png', '_rgb.png')


def test_several_labels_and_images_in_one_folder(rooms):
    mixed = rooms / 'mixed'
    mixed.mkdir()
    for i in range(6):
        (rooms / f'images/{i}.png').rename(mixed / f'{i}_rgb.jpg')
        for folder in ('depth', 'parts', 'edges'):
            (rooms / f'{folder}/{i}.png').rename(mixed / f'{i}_{folder}.png')
    others = [Claim(str(mixed), f'_{k}.png') for k in ('parts', 'edges')]
    [label] = parse_labels([f'depth={mixed}'], of_label=dict(
        suffix=['depth=_depth.png'], scale=['depth=1']))
    found = find_label(label, [], Project('x.py'), others).parts[0]
    assert found.images == str(mixed) and found.image_suffix == '_rgb.jpg'
    assert found.names == tuple('012345') and not found.problems
    assert found.facts == ['maps are called *_depth.png',
                           'images are called *_rgb.jpg']
    # nobody names the others: photographs are of another type
    found = find_label(label, [], Project('x.py')).parts[0]
    assert found.image_suffix == '_rgb.jpg'
    assert 'left out: 12 files that end in another way' in found.facts[-1]
