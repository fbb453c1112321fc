import numpy as np
import pytest
from PIL import Image

from mmmultas.projects.class_names import NameList
from mmmultas.projects.mask_values import (MaskValues, count_values,
                                           name_values)
from mmmultas.testing import ShapeFolder
from mmmultas.utils.errors import ConfigError, DataError


def values(pixels):
    return MaskValues(dict.fromkeys(pixels, 1), dict(pixels),
                      dict.fromkeys(pixels, 'a.png'))


def test_masks_and_pixels_are_counted(tmp_path):
    kit = ShapeFolder(tmp_path, 3)
    paths = [str(p) for p in sorted(kit.write_masks().glob('*'))]
    found = count_values(paths)
    assert found.masks[0] == 3 and sum(found.pixels.values()) == 3 * 64 * 80
    assert list(found.masks) == [0, 1, 2, 3] and not found.coloured
    (tmp_path / 'masks/im00.png').write_bytes(b'x')
    found = count_values(paths)
    assert found.masks[0] == 2
    assert 'no mask that can be decoded' in found.problems[0].reason
    found = count_values([str(p) for p in kit.write_colours().glob('*')])
    assert found.coloured and '#fa5050' in found.masks


def test_more_values_than_classes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3))
    path = tmp_path / 'a.png'
    Image.fromarray(noise.astype(np.uint8)).save(path)
    with pytest.raises(DataError, match='edges or photographs'):
        count_values([str(path)])
    noise[2:] = 0  # a few pixels of many colours
    noise[3, :, 0] = np.arange(40)
    noise[:2, :, 2] = np.arange(80).reshape(2, 40)
    flat = np.zeros((400, 40, 3), int)
    flat[:8] = np.random.default_rng(1).integers(0, 255, (8, 40, 3))
    Image.fromarray(flat.astype(np.uint8)).save(path)
    with pytest.raises(DataError, match='98% of the pixels.*smooth edges'):
        count_values([str(path)])


def test_rare_classes_are_classes():
    """Few pixels alone are no smooth edge."""
    pixels = {0: 900, **{i: 30 for i in range(1, 12)}}
    legend = name_values(values(pixels), None)
    assert len(legend.names) == 12 and legend.values is None
    pixels = {0: 9000, 50: 9, 100: 9, 120: 9, 150: 9, 200: 9, 255: 9000}
    with pytest.raises(DataError, match='smooth edges'):
        name_values(values(pixels), None)
    names = [f'c{i}' for i in range(6)]
    assert name_values(values(pixels), names).names == tuple(names)


def test_borders_take_no_part():
    legend = name_values(values({0: 5, 1: 5, 255: 1}), None)
    assert legend.ignored == (255, ) and legend.names == (
        'background', 'class_1')
    legend = name_values(values({'#000000': 5, '#800000': 5, '#e0e0c0': 1}),
                         None)
    assert legend.ignored == ('#e0e0c0', ) and len(legend.names) == 2


def test_a_list_beside_the_masks():
    listed = NameList('x.txt', dict(sky=(0, ), road=(1, ), car=(2, )))
    legend = name_values(values({0: 5, 2: 5, 255: 1}), None, listed)
    assert legend.names == ('sky', 'road', 'car') and legend.values is None
    assert legend.origin == 'x.txt' and legend.ignored == (255, )
    with pytest.raises(DataError, match='x.txt names no class for the values '
                       '7 of the masks'):
        name_values(values({0: 5, 7: 5}), None, listed)
    legend = name_values(values({0: 5, 7: 5}), ('a', 'b'), listed)
    assert legend.names == ('a', 'b')  # who is asked has the last word
    colours = NameList('x.txt', dict(sky=('#000000', ), road=('#ff0000', )))
    plain = values({0: 5, 1: 5})
    legend = name_values(plain, None, colours)
    assert legend.names == ('sky', 'road')
    assert 'in the order of x.txt' in legend.facts[0]
    plain.colours = {0: {'#ff0000'}, 1: {'#000000'}}
    legend = name_values(plain, None, colours)
    assert dict(zip(legend.names, legend.values)) == dict(road=0, sky=1)
    assert 'by the colours of their palette' in legend.facts[0]
    plain.colours[1].add('#123456')  # another palette elsewhere
    legend = name_values(plain, None, colours)
    assert 'in the order of' in legend.facts[0]


def test_names_that_do_not_fit():
    with pytest.raises(ConfigError, match=r'3 classes.*2 values \(0, 9\)'):
        name_values(values({0: 5, 9: 5}), ('a', 'b', 'c'))


def test_grey_levels_are_doubted():
    doubt = name_values(values({0: 5, 100: 5, 255: 5}), None).doubt
    assert 'grey levels (0, 100, 255)' in doubt[0]
    assert 'background=0 class_100=100 class_255=255; if not' in doubt[1]
    for pixels, ignored in (({0: 5, 1: 5, 255: 5}, None),
                            ({0: 5, 100: 5}, None),
                            ({0: 5, 100: 5, 255: 5}, (255, ))):
        assert name_values(values(pixels), None,
                           ignored=ignored).doubt is None
