import pytest

from mmmultas.datasets.label_map import (IGNORE, INVALID, VOC_CLASSES,
                                         LabelSpace, voc_space)
from mmmultas.utils.errors import ConfigError


def test_voc_defaults():
    det, seg = voc_space('det'), voc_space('seg')
    assert det.classes == VOC_CLASSES and len(seg.classes) == 21
    assert seg.palette[1:] == det.palette and seg.palette[0] == (0, 0, 0)


@pytest.mark.parametrize('name, count', [('groups4', 4), ('groups10', 10)])
def test_released_groupings(name, count):
    space = voc_space('seg', label_map=name)
    assert len(space.classes) == count + 1
    assert space.classes[0] == 'background'
    assert space.index['bird'] == space.index['dog'] != space.index['sofa']
    assert (space.index['bus'] == space.index['car']) == (count == 4)
    assert space.classes[space.index['person']] == 'person'


def test_grouping_of_fewer_classes():
    assert voc_space('det', ('cat', 'dog'), label_map='groups4').classes == (
        'animal', )


def test_lut_against_a_loop():
    space = LabelSpace.build(
        ('bg', 'cat', 'dog', 'car'),
        label_map={
            'cat': 'pet',
            'dog': 'pet',
            'bg': None
        })
    table = space.lut()
    for value in range(256):
        if value == 255 or value == 0:
            expected = IGNORE
        elif value < 4:
            expected = space.classes.index(['pet', 'pet', 'car'][value - 1])
        else:
            expected = INVALID
        assert table[value] == expected


def test_palette_follows_the_first_member():
    space = LabelSpace.build(('a', 'b', 'c'), [(1, 1, 1), (2, 2, 2),
                                               (3, 3, 3)], {
                                                   'b': 'x',
                                                   'c': 'x'
                                               })
    assert space.palette == ((1, 1, 1), (2, 2, 2))
    assert space.metainfo() == {
        'classes': ('a', 'x'),
        'palette': [(1, 1, 1), (2, 2, 2)]
    }


def test_made_up_colours_differ():
    names = [str(i) for i in range(150)]
    assert len(set(LabelSpace.build(names).palette)) == 150


@pytest.mark.parametrize('args, message', [
    (('cat', ), 'string'),
    ((('a', 'a'), ), 'a twice'),
    ((('a', 'b'), [(0, 0, 0)]), '1 colours for 2'),
    ((('a', ), None, {
        'b': 'c'
    }), "'b' into 'c'"),
    ((('a', ), None, {
        'a': None
    }), '0 classes'),
    (((str(i) for i in range(254)), ), '254 classes'),
])
def test_errors(args, message):
    with pytest.raises(ConfigError, match=message):
        LabelSpace.build(*args)
