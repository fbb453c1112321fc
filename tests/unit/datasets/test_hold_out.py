import inspect

import pytest

from mmmultas.datasets import FolderDataset
from mmmultas.datasets.hold_out import (check_rule, choose_held_out, held_out,
                                        photo_of, pick_part, read_names)
from mmmultas.utils.errors import ConfigError, DataError


def test_each_image_decides_for_its_part():
    names = [f'a/{i}' for i in range(200)]
    val = held_out(names, 'val')
    assert 20 < len(val) < 60
    assert sorted(val + held_out(names, 'train')) == sorted(names)
    others = [f'b/{i}' for i in range(100)]
    assert {n[2:] for n in held_out(others, 'val')} == {
        n[2:] for n in val if int(n[2:]) < 100}
    for few in (names[:2], names[:3]):
        assert held_out(few, 'val', 1e-9) and held_out(few, 'train', 1e-9)
        assert held_out(few, 'val', 0.999) and held_out(few, 'train', 0.999)
    assert held_out(names, None) == names


def test_the_split_of_older_configs_does_not_move():
    """What 0.1 held out of these names, by the only rule that there was."""
    names = [f'im{i:02d}' for i in range(20)]
    assert held_out(names, 'val') == ['im05', 'im11', 'im18', 'im19']
    rule = inspect.signature(FolderDataset).parameters['val_rule']
    assert rule.default == 'hash'


@pytest.mark.parametrize('count', [2, 3, 7, 40, 101])
@pytest.mark.parametrize('share', [0.1, 0.2, 0.5])
def test_exactly_the_share_is_held_out(count, share):
    names = [f'x{i}' for i in range(count)]
    val = held_out(names, 'val', share, 'count')
    assert len(val) == max(1, round(share * count))
    assert sorted(val + held_out(names, 'train', share, 'count')) == sorted(
        names)


def test_new_images_move_few_others():
    names = [f'x{i}' for i in range(100)]
    before = choose_held_out({'': names})
    after = choose_held_out({'': [*names, *(f'y{i}' for i in range(10))]})
    assert len(before) == 20 and len(after) == 22
    assert len(before & after) >= 17
    assert choose_held_out({'': names[::-1]}) == before


def test_an_image_of_two_tasks_is_in_one_part():
    det = [f'x{i}' for i in range(50)]
    seg = [f'x{i}' for i in range(40, 70)]
    val = choose_held_out(dict(det=det, seg=seg))
    assert len(val & set(det)) == 10 and len(val & set(seg)) == 6


def test_versions_of_a_photograph_stay_together():
    names = [f'p{i}_jpg.rf.{v:04x}' for i in range(10) for v in range(3)]
    val = choose_held_out({'': names})
    assert len(val) == 6 and len({photo_of(n) for n in val}) == 2
    few = choose_held_out({'': names[:6]}, 0.2)
    assert len(few) == 3  # the fewest that can be
    copies = dict(a='k', b='k', c='k')
    val = choose_held_out({'': list('abcdefghij')}, 0.2, copies)
    assert not val & set('abc')
    val = choose_held_out({'': list('abcd')}, 0.8, copies)
    assert val == set('abc')


def test_names_of_a_list(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_text('\ufeffa\r\nsub\\b.JPG\n\n000012  1\nmy image.png\n')
    assert read_names(path) == ['a', 'sub/b', '000012  1', 'my image']
    path.write_text(' \n')
    with pytest.raises(DataError, match='is empty'):
        read_names(path)
    path.write_bytes(b'\xff')
    with pytest.raises(DataError, match='no UTF-8'):
        read_names(path)


def test_parts_of_a_list():
    names = ['a/1', 'b/1', 'b/2']
    assert pick_part(names, ['1', '9'], 'val', 'x')[0] == ['a/1', 'b/1']
    assert pick_part(names, ['b/1', '9'], None, 'x') == (['b/1'], ['9'])
    flags = ['a/1 -1', '2  1', 'photo 1']  # of VOC's lists of a class
    assert pick_part([*names, 'photo 1', 'photo'], flags, None, 'x') == (
        ['a/1', 'b/2', 'photo 1'], [])
    assert pick_part(names, ['b/1'], 'train', 'x')[0] == ['a/1', 'b/2']
    with pytest.raises(DataError, match='names 9 …, the images are called '
                       'a/1, b/1, b/2'):
        pick_part(names, ['9'], 'val', 'x')
    with pytest.raises(DataError, match='leaves no image'):
        pick_part(names, names, 'train', 'x')


def test_rules():
    assert check_rule('count') == 'count'
    with pytest.raises(ConfigError, match="'fifth'; have count and hash"):
        check_rule('fifth')
