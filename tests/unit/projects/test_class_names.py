import pytest

from mmmultas.projects.class_names import (mask_names, parse_names,
                                           parse_values, yolo_names)
from mmmultas.utils.errors import ConfigError, DataError


def test_names_as_they_are_and_by_value():
    assert parse_names(['a', 'b']) == ('a', 'b')
    found = parse_names(['a=b=7', 'c=1-3,9', 'd=#FF00aa'])
    assert found.values == {'a=b': (7, ), 'c': (1, 2, 3, 9),
                            'd': ('#ff00aa', )}


@pytest.mark.parametrize('given, words', [
    (['a=1', 'b'], "'a=1' with and 'b' without"),
    (['=1'], 'give each class one name'),
    (['a=1', 'a=2'], 'give each class one name'),
    (['a=red'], "the value 'red'"),
    (['a=300'], "the value '300'"),
    (['a=9-3'], "the value '9-3'"),
])
def test_names_that_cannot_be(given, words):
    with pytest.raises(ConfigError, match=words):
        parse_names(given)


def test_the_option_is_named():
    with pytest.raises(ConfigError, match="--ignore has the value 'x'"):
        parse_values('x', '--ignore')


@pytest.mark.parametrize('name, text, values, ignored', [
    ('class_names.txt', '_background_\ncrack\n',
     dict(background=(0, ), crack=(1, )), ()),
    ('class_names.txt', '__ignore__\n_background_\ncrack\n',
     dict(background=(0, ), crack=(1, )), ()),
    ('labelmap.txt', '# x\nroad:1,2,3::\nvoid:0,0,0::\n',
     dict(road=('#010203', )), ('#000000', )),
    ('label_colors.txt', '64 128 64\tAnimal\n192 0 128\t\tStop sign\n',
     {'Animal': ('#408040', ), 'Stop sign': ('#c00080', )}, ()),
    ('class_dict.csv', 'name,r,g,b\nsky,0,0,9\nsky,0,0,8\n',
     dict(sky=('#000009', '#000008')), ()),
])
def test_lists_of_other_tools(tmp_path, name, text, values, ignored):
    (tmp_path / name).write_text(text)
    found = mask_names([tmp_path / 'nowhere', tmp_path])
    assert dict(found.values) == values and found.ignored == ignored
    assert found.origin.endswith(name)


def test_no_list_and_a_broken_one(tmp_path):
    assert mask_names([tmp_path]) is None
    (tmp_path / 'labelmap.txt').write_text('road:red\n')
    with pytest.raises(DataError, match="'road' without three numbers"):
        mask_names([tmp_path])


def test_names_of_yolo(tmp_path):
    labels = tmp_path / 'a/labels'
    labels.mkdir(parents=True)
    assert yolo_names(labels) == {}
    (tmp_path / 'obj.names').write_text('x\ny\n')
    assert yolo_names(labels) == {0: 'x', 1: 'y'}
    (tmp_path / 'a/data.yaml').write_text('names: {0: cat, 2: dog}\n')
    assert yolo_names(labels) == {0: 'cat', 2: 'dog'}
    (tmp_path / 'a/data.yaml').write_text('names: [a')
    with pytest.raises(DataError, match='no usable yaml'):
        yolo_names(labels)
