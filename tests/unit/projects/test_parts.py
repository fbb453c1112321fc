import pytest

from mmmultas.projects.parts import (copies, find_lists, held_out_of,
                                     listed_val, other_part, training_part)


@pytest.mark.parametrize('train, val', [
    ('a/train/x.json', 'a/valid/x.json'),
    ('instances_train2017.json', 'instances_val2017.json'),
    ('images/train', 'images/val'),
    ('trainannot', 'valannot'),
])
def test_the_other_part(tmp_path, train, val):
    for name in (train, val):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert other_part(str(tmp_path / train), 'val') == str(tmp_path / val)
    assert other_part(str(tmp_path / train), 'test') is None
    assert other_part(str(tmp_path / val), 'val') is None
    assert other_part(None, 'val') is None


def test_the_part_to_train_on(tmp_path):
    assert training_part(str(tmp_path)) == str(tmp_path)
    (tmp_path / 'labels/train').mkdir(parents=True)
    assert training_part(str(tmp_path)).endswith('labels/train')
    (tmp_path / 'train').mkdir()
    assert training_part(str(tmp_path)) == str(tmp_path / 'train')
    (tmp_path / 'boxes.json').touch()
    assert training_part(str(tmp_path)) == str(tmp_path)
    (tmp_path / 'boxes.json').unlink()
    (tmp_path / 'Annotations').mkdir()
    assert not training_part(str(tmp_path)).endswith('/train')


def test_lists(tmp_path):
    folder = tmp_path / 'ImageSets/Main'
    assert not find_lists(tmp_path, 'det', ['a']).files
    folder.mkdir(parents=True)
    for part, names in dict(train='ab', val='c', test='d').items():
        (folder / f'{part}.txt').write_text('\n'.join(names))
    lists = find_lists(tmp_path, 'det', list('abcd'))
    assert lists.counts == dict(train=2, val=1, test=1)
    assert set(lists.files) == {'train', 'val'}
    assert 'test.txt names 1 images' in lists.facts[1]
    more = find_lists(tmp_path, 'det', list('abcdefg')).facts
    assert 'left out: 3 images that are in none of the lists (e, f, g)' in (
        more)
    assert not find_lists(tmp_path, 'seg', list('abcd')).files
    (folder / 'val.txt').write_text('z')
    lists = find_lists(tmp_path, 'det', list('abcd'))
    assert not lists.files and 'is not used' in lists.facts[0]
    assert 'images of test may be trained on' in lists.facts[-1]


def test_copies_form_groups(tmp_path):
    texts = dict(a='1', b='22', c='22', d='33', **{'d.rf.1': '22', 'e': '4'})
    named = set()
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        named.add((name, str(tmp_path / name)))
    groups = copies(named)
    # d and d.rf.1 are versions, and d.rf.1 is a copy of b and c
    assert set(groups) == {'b', 'c', 'd', 'd.rf.1'}
    assert len(set(groups.values())) == 1


def test_what_is_held_out_is_said(tmp_path):
    files = {}
    for i in range(10):
        files[f'x{i}'] = str(tmp_path / f'x{i}')
        (tmp_path / f'x{i}').write_text(str(i // 2))
    held, facts = held_out_of(dict(det=list(files)), dict(det=files), 0.2)
    assert len(held) == 2
    assert facts[0] == 'det: 2 of 10 images are held out for validation'
    assert '10 images are copies' in facts[1]


def test_lists_beside_the_images(tmp_path):
    names = list('abcd')
    assert listed_val(tmp_path, 'x', names) == (None, [])
    (tmp_path / 'train.txt').write_text('a.png\nb.png\nz.png\n')
    assert listed_val(tmp_path, 'x', names) == (None, [])
    for text, why in (('c', 'not used: 1 images are in neither (d)'),
                      ('a\nc\nd', 'not used: 1 images are in both'),
                      ('z', 'not used')):
        (tmp_path / 'val.txt').write_text(text)
        held, [fact] = listed_val(tmp_path, 'x', names)
        assert held is None and why in fact
    (tmp_path / 'val.txt').write_text('c\nd')
    held, [fact] = listed_val(tmp_path, 'x', names)
    assert held == {'c', 'd'} and 'x: 2 of 4 images are held out' in fact
