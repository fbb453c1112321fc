import random
from collections import Counter
from pathlib import Path

import pytest

from mmmultas.datasets.regimes import LabelRegime
from mmmultas.utils.errors import ConfigError, DataError

TASKS = ('seg', 'depth', 'normals')
LISTS = Path(__file__).resolve().parents[4] / (
    'shared/data/dense/mtpsl_splits')
needs_lists = pytest.mark.skipif(
    not LISTS.is_dir(), reason='the released lists are not beside the clone')


def images(count):
    return [str(i) for i in range(count)]


def counts(kept):
    return Counter(task for tasks in kept.values() for task in tasks)


def test_all_labels():
    assert LabelRegime()(['a'], TASKS) == dict(a=TASKS)
    assert LabelRegime()(['a'], TASKS, dict(a=['depth'])) == dict(
        a=('depth', ))


@pytest.mark.parametrize('count, want', [
    (795, (265, 265, 265)), (2975, (991, 992, 992)), (4, (1, 1, 2))])
def test_one_label_each_in_equal_numbers(count, want):
    kept = LabelRegime('one', seed=3)(images(count), TASKS)
    assert all(len(tasks) == 1 for tasks in kept.values())
    assert tuple(counts(kept)[task] for task in TASKS) == want
    assert kept == LabelRegime('one', seed=3)(images(count), TASKS)
    assert kept != LabelRegime('one', seed=4)(images(count), TASKS)


def test_two_tasks_of_cityscapes():
    kept = LabelRegime('one')(images(2975), ('seg', 'depth'))
    assert counts(kept) == dict(seg=1487, depth=1488)


def test_one_task_alone_has_the_labels_that_it_has_among_all():
    among = LabelRegime('one', seed=3)(images(30), TASKS)
    for task in TASKS:
        alone = LabelRegime('one', seed=3, tasks=TASKS)(images(30), (task, ))
        assert alone == {name: own for name, own in among.items()
                         if own == (task, )}
    pair = LabelRegime('random', tasks=TASKS)(images(30), TASKS[:2])
    want = LabelRegime('random')(images(30), TASKS)
    assert pair == {name: both for name, own in want.items()
                    if (both := tuple(t for t in own if t in TASKS[:2]))}


def test_a_task_that_gets_no_label():
    regime = LabelRegime('one', tasks=('seg', 'depth'))
    with pytest.raises(ConfigError, match='`tasks` reads .normals.'):
        regime.among(('normals', ))
    for tasks in ('seg', ('seg', 'seg')):
        with pytest.raises(ConfigError, match='different names'):
            LabelRegime('one', tasks=tasks)


def test_a_list_says_who_can_have_a_label(tmp_path):
    people = tmp_path / 'persons.txt'
    people.write_text('0\n2.jpg\n5\n')
    only = dict(seg=str(people))
    kept = LabelRegime('one', only=only)(images(6), TASKS)
    assert [n for n, own in kept.items() if 'seg' in own] == [
        n for n in ('0', '2', '5') if kept[n] == ('seg', )]
    assert counts(kept) == dict(seg=2, depth=2, normals=2)
    everything = LabelRegime(only=only)(images(3), TASKS)
    assert everything['1'] == TASKS[1:] and everything['2'] == TASKS
    with pytest.raises(ConfigError, match='`regime.only` names .hands.'):
        LabelRegime(only=dict(hands=str(people)))(images(3), TASKS)
    with pytest.raises(ConfigError, match='leave `only` out'):
        LabelRegime(file='x', only=only)


def test_parts_only_where_somebody_is_seen():
    tasks = ('parts', 'edge', 'seg', 'normals', 'sal')
    rng = random.Random(0)
    people = set(rng.sample(images(4998), 1716))
    possible = {name: tasks if name in people else tasks[1:]
                for name in images(4998)}
    kept = LabelRegime('one')(images(4998), tasks, possible)
    assert counts(kept) == dict(
        parts=999, edge=999, seg=1000, normals=1000, sal=1000)
    assert all(name in people for name, own in kept.items()
               if 'parts' in own)
    kept = LabelRegime('random', seed=1)(images(4998), tasks, possible)
    # one to one less than the image can have, evenly: within three sigma
    sizes = Counter(map(len, kept.values()))
    want = 1716 / 4 + 3282 / 3
    assert abs(sizes[1] - want) < 3 * 4998**.5 / 2
    assert abs(sizes[4] - 1716 / 4) < 3 * 1716**.5 / 2
    assert abs(counts(kept)['parts'] - 858) < 3 * 1716**.5 / 2


def test_shares():
    kept = LabelRegime('ratio', ratio=dict(seg=1, depth=9))(
        images(2975), ('seg', 'depth'))
    assert counts(kept) == dict(seg=298, depth=2677)


@needs_lists
@pytest.mark.parametrize('name, want', [
    ('nyuv2_one', dict(seg=265, depth=265, normals=265)),
    ('nyuv2_random', dict(seg=392, depth=408, normals=385)),
    ('cityscapes_one', dict(seg=1487, depth=1488))])
def test_released_lists(name, want):
    count = 2975 if 'city' in name else 795
    kept = LabelRegime(
        file=str(LISTS / f'{name}.txt'),
        names=dict(semantic='seg', normal='normals'))(images(count), TASKS)
    assert counts(kept) == want


def test_lists_that_do_not_fit(tmp_path):
    path = tmp_path / 'kept.txt'
    path.write_text('# a comment\n1 seg\n\n9 seg\n')
    with pytest.raises(DataError, match="line 4, names the image '9'"):
        LabelRegime(file=str(path))(images(3), TASKS)
    path.write_text('1 semantic\n')
    with pytest.raises(DataError, match=r'names=dict\(semantic=…\)'):
        LabelRegime(file=str(path))(images(3), TASKS)
    with pytest.raises(DataError, match='gone.txt cannot be read'):
        LabelRegime(file=str(tmp_path / 'gone.txt'))(images(3), TASKS)
    path.write_text('1 seg\n0\n')
    kept = LabelRegime(file=str(path))(images(2), TASKS)
    assert kept == {'0': (), '1': ('seg', )}
    with pytest.raises(DataError, match='does not name 1 images .*2, …'):
        LabelRegime(file=str(path))(images(3), TASKS)
    path.write_text('1 seg\n1 depth\n')
    with pytest.raises(DataError, match="line 2, names '1' again"):
        LabelRegime(file=str(path))(images(2), TASKS)


def test_names_in_a_list_may_have_spaces_and_a_suffix(tmp_path):
    path = tmp_path / 'kept.txt'
    path.write_text('Im 0, A depth\nIm 1 B.jpg seg, depth\nIm 2\n'
                    'Im 3.png\n4.v2 normals,\n')
    names = ('Im 0, A', 'Im 1 B', 'Im 2', 'Im 3', '4.v2')
    kept = LabelRegime(file=str(path))(names, TASKS)
    assert list(kept.values()) == [
        ('depth', ), ('seg', 'depth'), (), (), ('normals', )]
    path.write_text('Im 0: depth\n')
    with pytest.raises(DataError, match=(
            r"image 'Im 0:'.*NAME TASK\[,TASK\], and images are called "
            'Im 0, A, Im 1 B, Im 2, …')):
        LabelRegime(file=str(path))(names, TASKS)


@pytest.mark.parametrize('kwargs, message', [
    (dict(regime='two'), "`regime` is one of .* not 'two'"),
    (dict(regime='ratio'), 'wants `ratio`'),
    (dict(ratio=dict(seg=1)), 'wants `ratio`'),
    (dict(regime='ratio', ratio=dict(seg=-1)), 'from 0 on'),
    (dict(regime='one', file='x'), 'leave `regime` out'),
    (dict(names=dict(semantic='seg')), '`regime.names` would change nothing'),
    (dict(regime='one', names=dict(a='b')), 'names` would change nothing'),
    (dict(seed=3), '`regime.seed` would change nothing'),
    (dict(regime='one', seed=0.5), 'seed` is a whole number, not 0.5'),
    (dict(regime='one', seed='3'), "seed` is a whole number, not '3'"),
    (dict(regime='one', seed=True), 'seed` is a whole number, not True'),
])
def test_errors(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        LabelRegime(**kwargs)
    with pytest.raises(ConfigError, match='wants shares of seg, depth'):
        LabelRegime('ratio', ratio=dict(x=1))(['a'], TASKS)
    with pytest.raises(ConfigError, match='no share of depth, normals, .* 0'):
        LabelRegime('ratio', ratio=dict(seg=1))(['a'], TASKS)
    zero = LabelRegime('ratio', ratio=dict(seg=1, depth=0, normals=0))
    assert zero(['a', 'b'], TASKS) == dict(a=('seg', ), b=('seg', ))


def test_the_key_of_a_data_set():
    assert LabelRegime.build(None).regime == 'full'
    assert LabelRegime.build(dict(regime='one', seed=3)).seed == 3
    with pytest.raises(ConfigError, match="unknown key 'regim'; have regime"):
        LabelRegime.build(dict(regim='one'))
    with pytest.raises(ConfigError, match='`regime` must be a mapping'):
        LabelRegime.build('one')
