import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmmultas.datasets.checks import read_ids
from mmmultas.datasets.split_lists import (count_table, read_existing,
                                           read_lists, write_ids,
                                           write_splits)
from mmmultas.datasets.splits import check_disjoint, partial_parts, pools
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get('MMMULTAS_SHARED_DATA', ROOT / '../shared/data'))
OFFICIAL, RELEASED = DATA / 'voc_lists', DATA / 'multas_splits'

needs_lists = pytest.mark.skipif(
    not (OFFICIAL.is_dir() and RELEASED.is_dir()),
    reason=f'the official and released lists are not in {DATA}')


def released(year, folder, name='train'):
    return set(read_ids(RELEASED / year / folder / f'{name}.txt'))


def total(out, folder, name='train'):
    files = [out / year / folder / f'{name}.txt' for year in ('VOC2007',
                                                              'VOC2012')]
    return sum(len(read_ids(f)) for f in files if f.is_file())


@needs_lists
def test_pools_equal_the_released_lists():
    pool = pools(read_lists(OFFICIAL))
    assert pool.ids07 == released('VOC2007', 'MXEall')
    assert pool.ids12 == released('VOC2012', 'MXEall')
    assert pool.masks07 == released('VOC2007', 'MXEseg')
    assert pool.ids07 - pool.masks07 == released('VOC2007', 'MXEdet')


@needs_lists
def test_validation_equals_the_released_list(tmp_path):
    write_splits(OFFICIAL, tmp_path)
    for folder in ('MXEdet', 'MXEseg', 'MXEall'):
        assert set(read_ids(tmp_path / f'VOC2012/{folder}/val.txt')) == \
            released('VOC2012', folder, 'val')


@needs_lists
@pytest.mark.parametrize('seed', [0, 1])
def test_counts_of_the_paper(tmp_path, seed):
    table = write_splits(OFFICIAL, tmp_path, seed=seed)
    assert 'differs' not in table
    assert total(tmp_path, 'MXEdet') == 7558
    assert total(tmp_path, 'MXEseg') == 7656
    assert total(tmp_path, 'MXEfull') == 10476
    assert total(tmp_path, 'MXEall', 'val') == 1443
    assert len(read_ids(tmp_path / 'VOC2012/MXEdet/train.txt')) == 2969
    assert len(read_ids(tmp_path / 'VOC2012/MXEdet2/train.txt')) == 1484


@needs_lists
def test_nothing_leaks_on_the_official_lists():
    official = read_lists(OFFICIAL)
    parts = partial_parts(official, seed=0)
    check_disjoint(parts['det'], parts['seg'], official.seg_val12)
    twins = {f'2007_{i}' for p in ('det', 'seg') for i in parts[p]['VOC2007']}
    assert not twins & set(official.seg_val12)


@needs_lists
def test_released_lists_are_taken_as_they_are(tmp_path):
    table = write_splits(OFFICIAL, tmp_path, existing=RELEASED)
    assert 'differs' not in table
    for folder in ('MXEdet', 'MXEseg', 'MXEdet2'):
        assert set(read_ids(tmp_path / f'VOC2012/{folder}/train.txt')) == \
            released('VOC2012', folder)


@needs_lists
def test_selftrain_has_no_image_of_the_test_set(tmp_path):
    assert 'differs' not in write_splits(OFFICIAL, tmp_path, 'selftrain')
    test = set(read_ids(tmp_path / 'VOC2007/Full/test.txt'))
    assert len(test) == 4952
    assert not test & set(read_ids(tmp_path / 'VOC2007/Full/trainval.txt'))
    new = read_ids(tmp_path / 'VOC2012/Full/trainval.txt')
    assert not test & {i[5:] for i in new if i.startswith('2007_')}


@pytest.fixture
def tiny(devkit):
    """a: val without boxes, b: val, c: seg train, d: Main only, e: both."""
    for name in ('d', 'e'):
        devkit.add(name)
    (devkit.root / 'VOC2012/SegmentationClass/d.png').unlink()
    devkit.xml('a', [])
    devkit.add('000001', year='VOC2007')
    for path, ids in {
            'VOC2012/ImageSets/Main/trainval.txt': 'b c d e',
            'VOC2012/ImageSets/Segmentation/train.txt': 'c',
            'VOC2012/ImageSets/Segmentation/val.txt': 'a b',
            'VOC2012/ImageSets/Segmentation/trainaug.txt': 'c e',
            'VOC2007/ImageSets/Main/trainval.txt': '000001',
    }.items():
        devkit.write(path, ids.replace(' ', '\n'))
    return devkit


def test_devkit_with_pictures(tiny, tmp_path):
    table = write_splits(tiny.root, tmp_path / 'out')
    out = tmp_path / 'out/VOC2012'
    assert read_ids(out / 'MXEdet/train.txt') == ['d']
    assert read_ids(out / 'MXEseg/train.txt') == ['c', 'e']
    assert read_ids(out / 'MXEfull/train.txt') == ['c', 'e']
    assert read_ids(out / 'MXEall/val.txt') == ['b']  # the XML of a is empty
    assert read_ids(tmp_path / 'out/VOC2007/MXEdet/train.txt') == ['000001']
    assert table.count('differs') == 7


def test_fixed_protocol(tiny, tmp_path):
    write_splits(tiny.root, tmp_path, 'fixed', num_det=1, num_seg=1)
    both = [
        read_ids(tmp_path / f'VOC2012/FIX{t}/train.txt')
        for t in ('det', 'seg')
    ]
    assert sorted(both[0] + both[1]) == ['c', 'e']


def test_existing_lists_that_leak(tiny, tmp_path):
    for folder, ids in (('MXEdet', 'd'), ('MXEseg', 'b')):
        write_ids(tmp_path / f'in/VOC2012/{folder}/train.txt', [ids])
    with pytest.raises(DataError, match='training and validation .b.'):
        write_splits(tiny.root, tmp_path, existing=tmp_path / 'in')


def test_existing_lists_may_hold_the_whole_set(tiny, tmp_path):
    for folder in ('MXEdet', 'MXEseg', 'MXEall'):
        write_ids(tmp_path / f'VOC2012/{folder}/train.txt', ['d', 'e'])
    parts, val = read_existing(tmp_path, read_lists(tiny.root))
    assert parts['full']['VOC2012'] == {'e'} and val == {'b'}


@pytest.mark.parametrize('change, message', [
    (dict(protocol='magic'), "'magic' is unknown"),
    (dict(protocol='fixed', existing='x'), "'partial' only"),
    (dict(source='/does/not/exist'), 'neither VOC2007 nor'),
    (dict(existing='/does/not/exist'), 'MXEdet/train.txt is missing'),
])
def test_errors(tiny, tmp_path, change, message):
    with pytest.raises((ConfigError, DataError), match=message):
        write_splits(**{'source': tiny.root, 'out': tmp_path, **change})


def test_validation_list_is_needed(tiny, tmp_path):
    (tiny.root / 'VOC2012/ImageSets/Segmentation/val.txt').unlink()
    with pytest.raises(DataError, match='would be trained on'):
        write_splits(tiny.root, tmp_path)


def test_empty_lists_are_not_left_behind(tmp_path):
    write_ids(tmp_path / 'x.txt', ['b', 'a'])
    assert (tmp_path / 'x.txt').read_text() == 'a\nb\n'
    write_ids(tmp_path / 'x.txt', [])
    assert list(tmp_path.iterdir()) == []


def test_table():
    lines = count_table({
        'MXEall/val': {
            'VOC2012': range(1443)
        },
        'MXEdet/train': {
            'VOC2007': 'ab'
        }
    }).splitlines()
    assert lines[1].split() == ['MXEall/val', '0', '1443', '1443', '1443']
    assert lines[2].split()[-2:] == ['7558', 'differs']


def test_tool(tiny, tmp_path):
    tool = ROOT / 'tools/dataset_converters/make_partial_splits.py'

    def call(source):
        return subprocess.run(
            [sys.executable, tool, source, '--out', tmp_path / 'out'],
            capture_output=True,
            text=True,
            env={
                **os.environ, 'PYTHONPATH': str(ROOT)
            })

    done = call(tiny.root)
    assert done.returncode == 0 and 'MXEdet/train' in done.stdout
    failed = call(tmp_path / 'gone')
    assert failed.returncode == 1 and 'Traceback' not in failed.stderr
    assert 'neither VOC2007 nor VOC2012' in failed.stderr
