import logging

import cv2
import numpy as np
import pytest

from mmmultas.datasets import FolderDataset
from mmmultas.datasets.label_folders import label_folders
from mmmultas.utils.errors import ConfigError, DataError

PIPELINE = [dict(type='mmmultas.LoadImage'), dict(type='mmmultas.LoadLabels'),
            dict(type='mmmultas.PackInputs')]


@pytest.fixture
def root(tmp_path):
    """Six images with depth, normals, edges and parts."""
    for name in ('images', 'depths', 'normals', 'edges', 'parts'):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        def write(folder, values, end='png', i=i):
            cv2.imwrite(str(tmp_path / folder / f'{i}.{end}'), values)
        write('images', rng.integers(0, 255, (8, 10, 3)), 'jpg')
        write('depths', np.full((8, 10), 1000 * (i + 1), np.uint16))
        write('edges', np.eye(8, 10, dtype=np.uint8) * 255)
        write('parts', np.full((8, 10), i % 2 * 50, np.uint8))
        normals = np.zeros((8, 10, 3), np.float32)
        normals[..., 2] = 1
        np.save(tmp_path / f'normals/{i}.npy', normals)
    return tmp_path


def dataset(root, tasks=('depth', 'normals', 'lines', 'parts'), **kwargs):
    return FolderDataset(
        str(root / 'images'), tasks=tasks, labels=dict(
            depth=dict(root=str(root / 'depths'), scale=.001, unit='m'),
            normals=dict(root=str(root / 'normals')),
            lines=dict(kind='edges', root=str(root / 'edges')),
            parts=dict(kind='classes', root=str(root / 'parts'),
                       classes=('arm', 'leg'), mask_values=(0, 50))),
        pipeline=PIPELINE, **kwargs)


def test_every_kind_from_its_folder(root):
    data = dataset(root)
    assert data.metainfo['depth'] == dict(
        kind='depth', unit='m', scale=.001)
    assert data.metainfo['parts']['classes'] == ('arm', 'leg')
    sample = data[3]['data_samples']
    assert sample.tasks == ('depth', 'normals', 'lines', 'parts')
    assert sample.kinds == dict(lines='edges', parts='classes')
    assert (sample.gt_depth.data == 4).all()
    assert (sample.gt_normals.data[2] == 1).all()
    assert sample.gt_lines.data.sum() == 8
    assert (sample.gt_parts.data == 1).all()


def test_what_a_regime_hides_is_never_opened(root):
    kept = dataset(root, regime=dict(regime='one', seed=1))
    tasks = [kept.get_data_info(i)['tasks'] for i in range(6)]
    assert sorted(map(len, tasks)) == [1] * 6
    ends = dict(depth='depths/{}.png', normals='normals/{}.npy',
                lines='edges/{}.png', parts='parts/{}.png')
    for i, own in enumerate(tasks):
        for task, end in ends.items():
            if task not in own:
                (root / end.format(i)).write_text('broken')
    for i, own in enumerate(tasks):
        sample = kept[i]['data_samples']
        assert sample.tasks == own
        assert [k for k in sample.keys() if k.startswith('gt_')] == [
            f'gt_{own[0]}']
    with pytest.raises(DataError, match='0.png|0.npy'):
        dataset(root)[0]


def test_one_task_alone_reads_what_a_regime_leaves_it(root):
    tasks = ('depth', 'normals', 'lines', 'parts')
    together = dataset(root, regime=dict(regime='one', seed=1))
    want = {task: [] for task in tasks}
    for i in range(len(together)):
        info = together.get_data_info(i)
        want[info['tasks'][0]].append(info['img_id'])
    for task in tasks:
        alone = dataset(root, tasks=task, regime=dict(
            regime='one', seed=1, tasks=tasks))
        infos = [alone.get_data_info(i) for i in range(len(alone))]
        assert [info['img_id'] for info in infos] == want[task]
        assert {info['tasks'] for info in infos} == {(task, )}
    (root / 'depths/2.png').unlink()  # takes part in no deal
    assert sum(len(dataset(root, tasks=task, regime=dict(
        regime='one', tasks=tasks))) for task in tasks) == 5
    with pytest.raises(ConfigError, match='smell'):
        dataset(root, regime=dict(regime='one', tasks=(*tasks, 'smell')))


def test_an_image_without_one_of_its_labels_is_left_out(root, monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.datasets.folder.print_log',
                        lambda *args: said.append(args))
    (root / 'depths/2.png').unlink()
    assert len(dataset(root, tasks=('normals', ))) == 6
    assert not said
    data = dataset(root)
    data.full_init()
    assert len(data) == 5
    [(text, logger, level)] = said
    assert (logger, level) == ('current', logging.WARNING)
    assert text.startswith(f'{root}/depths has no label of 1 images that have '
                           'another one (2), which are left out')


@pytest.mark.parametrize('labels, message', [
    (dict(smell=dict(root='x')), "`labels.smell` is of the kind 'smell', wh"),
    (dict(a=dict(kind='boxes', root='x')), "kind 'boxes' and needs `classes"),
    (dict(a=dict(kind='boxes', root='x', classes=('a', ), suffix='.xml')),
     "unknown key 'suffix'"),
    (dict(depth={}), '`labels.depth` needs a `root`'),
    (dict(kd=dict(kind='depth', root='x')), 'reserved'),
    (dict(sem_seg=dict(kind='classes', root='x')), "field of 'seg'"),
    (dict(parts=dict(kind='classes', root='x')), 'needs `classes'),
    (dict(depth='x'), '`labels.depth` must be a mapping'),
])
def test_errors(labels, message):
    with pytest.raises(ConfigError, match=message):
        label_folders(labels)


def test_folders_without_labels(tmp_path):
    folder = label_folders(dict(depth=dict(root=str(tmp_path))))['depth']
    with pytest.raises(DataError, match='has no file that ends in .png, .npy'):
        folder.files()
    folder = label_folders(dict(depth=dict(root=str(tmp_path / 'x'))))['depth']
    with pytest.raises(DataError, match='labels.depth.root. .*/x is no fold'):
        folder.files()


@pytest.mark.parametrize('labels, message', [
    (dict(depth=dict(root='x', sclae=.1)), "key 'sclae'; its reader takes"),
    (dict(depth=dict(root='x', scale=0)), '`scale` is above 0'),
    (dict(depth=dict(root='x', classes=('a', ))), "key 'classes'"),
    (dict(normals=dict(root='x', threshold=3)), "'threshold'; .* takes none"),
    (dict(seg=dict(kind='classes', root='x')), 'key of their own, `masks`'),
])
def test_keys_that_nobody_reads(labels, message):
    with pytest.raises(ConfigError, match=message):
        label_folders(labels)


def test_files_of_two_types_in_one_folder(root):
    (root / 'depths/9.npy').write_bytes(b'')
    with pytest.raises(DataError, match='in .png and in .npy; say which by'):
        dataset(root)[0]
