import pytest

from mmmultas.datasets.splits import (VOCLists, apply_rule, check_disjoint,
                                      fixed_parts, partial_parts, pools,
                                      seeded_part, selftrain_parts, shuffled,
                                      validation_ids)
from mmmultas.utils.errors import ConfigError, DataError


@pytest.fixture
def lists():
    """100 VOC2012 images: 0–9 val, 10–19 Segmentation train, … 80 masks."""
    new = [f'2008_{i:06}' for i in range(100)]
    twins = [f'2007_{i:06}' for i in range(10)]
    old = [f'{i:06}' for i in range(30)]
    return VOCLists(
        main07=old,
        seg07=old[:12],
        test07=['000900'],
        main12=new[1:10] + new[11:],  # one val and one train id without
        seg_train12=new[10:20] + twins[5:],
        seg_val12=new[:10] + twins[:5],
        masks12=new[:80] + twins)


def test_permutation_is_the_same_everywhere():
    # a change here changes everybody's splits
    assert shuffled('abcdef', 0) == shuffled('fedcba', 0) == list('dfeacb')
    assert shuffled('abcdef', 1) != shuffled('abcdef', 0, 1)


def test_pools_know_twins(lists):
    pool = pools(lists)
    assert pool.ids07 == {f'{i:06}' for i in range(5, 30)}
    assert pool.masks07 == {f'{i:06}' for i in range(5, 12)}
    assert pool.ids12 == {f'2008_{i:06}' for i in range(10, 100)}
    assert len(pool.masks12) == 70


def test_partial_rule(lists):
    parts = partial_parts(lists, seed=0)
    det, seg = parts['det']['VOC2012'], parts['seg']['VOC2012']
    assert {f'2008_{i:06}' for i in range(80, 100)} <= det
    assert {f'2008_{i:06}' for i in range(10, 20)} <= seg
    assert len(det) == 20 + round(60 * 2820 / 9118)
    assert det | seg == pools(lists).ids12 and not det & seg
    assert parts['seg']['VOC2007'] == pools(lists).masks07
    assert parts['full']['VOC2012'] == pools(lists).masks12
    for part in ('det', 'seg'):
        for year, ids in parts[part].items():
            half = parts[f'{part}2'][year]
            assert half < ids and len(half) == len(ids) // 2
    check_disjoint(parts['det'], parts['seg'], lists.seg_val12)


def test_seed_decides(lists):
    one, two, again = (partial_parts(lists, seed) for seed in (0, 1, 0))
    assert one == again and one['det'] != two['det']


def test_full_set_leaves_out_images_without_boxes(lists):
    known = VOCLists(**{**vars(lists), 'boxless12': {'2008_000010'}})
    assert '2008_000010' not in partial_parts(known, 0)['full']['VOC2012']


def test_validation_by_list_and_by_xml(lists):
    everything = set(lists.seg_val12)
    assert validation_ids(lists) == everything - {'2008_000000'}
    known = VOCLists(**{**vars(lists), 'boxless12': {'2008_000003'}})
    assert validation_ids(known) == everything - {'2008_000003'}


@pytest.mark.parametrize('det, seg, val, pair', [
    ({'VOC2012': ['a']}, {'VOC2012': ['a']}, [], 'detection and the seg'),
    ({'VOC2007': ['1']}, {'VOC2012': ['2007_1']}, [], 'detection and the seg'),
    ({'VOC2012': ['a']}, {}, ['a'], 'training and validation'),
    ({}, {'VOC2007': ['1']}, ['2007_1'], 'training and validation'),
])
def test_leaks_are_refused(det, seg, val, pair):
    with pytest.raises(DataError, match=f'1 images are in the {pair}|{pair}'):
        check_disjoint(det, seg, val)


def test_fractions_are_nested():
    ids = [str(i) for i in range(101)]
    parts = [set(seeded_part(ids, f, seed=3)) for f in (.125, .25, .5, 1)]
    assert [len(p) for p in parts] == [12, 25, 50, 101]
    assert parts[0] < parts[1] < parts[2] < parts[3]
    assert len(seeded_part(range(10), .3, 0)) == 3  # not 2.9999…
    with pytest.raises(ConfigError, match='not 1.5'):
        seeded_part(ids, 1.5, 0)


def test_selftrain_parts():
    old, new = [str(i) for i in range(30)], [f'2008_{i}' for i in range(50)]
    parts = selftrain_parts(old, new, seed=0)
    flat = {
        name: {(year, i)
               for year, ids in years.items() for i in ids}
        for name, years in parts.items()
    }
    assert flat['Full'] == {('VOC2007', i) for i in old} | {('VOC2012', i)
                                                            for i in new}
    assert flat['Eighth'] < flat['Quarter'] < flat['Half'] < flat['Full']
    for part, rest, size in (('Half', 'Half2', 40), ('Quarter', '3Quarter',
                                                     20),
                             ('Eighth', '7Eighth', 10)):
        assert len(flat[part]) == size
        assert flat[part] | flat[rest] == flat['Full']
        assert not flat[part] & flat[rest]


def test_fixed_parts():
    ids = [str(i) for i in range(20)]
    parts = fixed_parts(ids, 5, 7, 0)
    assert (len(parts['det']), len(parts['seg'])) == (5, 7)
    assert not set(parts['det']) & set(parts['seg'])
    assert parts == fixed_parts(ids[::-1], 5, 7, 0)
    assert set(fixed_parts(ids, 5, 15, 0)['det']) == set(parts['det'])
    with pytest.raises(ConfigError, match='do not fit into 20'):
        fixed_parts(ids, 15, 6, 0)


def test_rules_of_a_config():
    ids = [str(i) for i in range(20)]
    fixed = dict(type='fixed', num_det=5, num_seg=7, seed=0)
    assert apply_rule(ids, dict(fixed, part='seg')) == fixed_parts(
        ids, 5, 7, 0)['seg']
    half = apply_rule(ids, dict(type='fraction', fraction=.5))
    rest = apply_rule(ids, dict(type='fraction', fraction=.5, rest=True))
    assert len(half) == 10 and sorted(half + rest) == sorted(ids)


@pytest.mark.parametrize('rule, message', [
    (dict(type='magic'), "'magic' is unknown"),
    (dict(type='fixed', part='det'), "'fixed' has a wrong or missing key"),
    (dict(type='fixed', part='x', num_det=1, num_seg=1), "`part` is 'x'"),
    (dict(type='fraction', fraction=.5, sed=1), 'wrong or missing key'),
])
def test_wrong_rules(rule, message):
    with pytest.raises(ConfigError, match=message):
        apply_rule(['a', 'b', 'c'], rule)
