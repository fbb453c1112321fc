from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from scipy.io import savemat

from mmmultas.datasets.pascal_context import (PARTS, convert_context,
                                              edges_of, part_map,
                                              region_numbers)
from mmmultas.evaluation.boundaries import thin
from mmmultas.registry import DATASETS
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
LABELS = '1: accordion\n2: wall\n23: bed clothes\n400: tvmonitor\n'
SIZE = (12, 16)


def part(name, rows):
    mask = np.zeros(SIZE, np.uint8)
    mask[rows] = 1
    return dict(part_name=name, mask=mask)


@pytest.fixture
def root(tmp_path):
    """Two images with a person on one of them, and one for validation."""
    root = tmp_path / 'PASCAL_MT'
    for folder in ('JPEGImages', 'ImageSets/Context', 'semseg/VOC12',
                   'semseg/pascal-context', 'human_parts', 'normals_distill',
                   'pascal-context/trainval', 'sal_distill'):
        (root / folder).mkdir(parents=True)
    (root / 'ImageSets/Context/train.txt').write_text('a\nb\n')
    (root / 'ImageSets/Context/val.txt').write_text('c\n')
    (root / 'pascal-context/labels.txt').write_text(LABELS)
    regions = np.full(SIZE, 1, np.uint16)
    regions[:, 6:] = 2
    regions[6:, 6:] = 400
    for name in 'abc':
        cv2.imwrite(str(root / f'JPEGImages/{name}.jpg'),
                    np.full((*SIZE, 3), 90, np.uint8))
        folder = 'VOC12' if name == 'a' else 'pascal-context'
        cv2.imwrite(str(root / f'semseg/{folder}/{name}.png'),
                    np.full(SIZE, 15, np.uint8))
        savemat(root / f'pascal-context/trainval/{name}.mat',
                dict(LabelMap=regions))
        cv2.imwrite(str(root / f'sal_distill/{name}.png'),
                    np.tile(np.array([127, 128], np.uint8), (12, 8)))
        normals = np.zeros((*SIZE, 3), np.uint8)
        normals[...] = 128, 128, 255  # BGR: x to the right
        cv2.imwrite(str(root / f'normals_distill/{name}.png'), normals)
    objects = [{'class': 'person', 'parts': [
        part('hair', slice(0, 2)), part('neck', slice(2, 4)),
        part('rhand', slice(4, 6)), part('lfoot', slice(6, 8))]},
        {'class': 'dog', 'parts': [part('tail', slice(8, 9))]}]
    savemat(root / 'human_parts/a.mat', dict(anno=dict(objects=objects)))
    savemat(root / 'human_parts/b.mat', dict(anno=dict(objects=[objects[1]])))
    return root


def test_every_label_from_the_files(root, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    counts = convert_context(root, out, thin, ['wall'])
    assert counts == dict(train=2, val=1, persons=1)
    assert len((out / 'persons.txt').read_text().split()) == 1
    monkeypatch.setenv('MMMULTAS_PASCAL_MT', str(root))
    monkeypatch.setenv('MMMULTAS_PASCAL_CONTEXT', str(out))
    cfg = Config.fromfile(ROOT / 'configs/_base_/datasets/pascal_context.py')
    init_default_scope('mmdet')
    plain = [dict(type='mmmultas.LoadImage'),
             dict(type='mmmultas.LoadLabels'),
             dict(type='mmmultas.PackInputs')]
    train, val = (DATASETS.build(dict(
        cfg[f'{part}_dataloader'][part].dataset, pipeline=plain))
        for part in ('train', 'val'))
    assert (len(train), len(val)) == (2, 1)
    person, none = (train[i]['data_samples'] for i in range(2))
    rows = person.gt_parts.sem_seg[0, ::2, 0].tolist()
    assert rows == [1, 2, 4, 6, 0, 0]
    assert (none.gt_parts.sem_seg == 255).all()
    assert (person.gt_sem_seg.sem_seg == 15).all()
    assert person.gt_saliency.data[0, 0, :2].tolist() == [0, 1]
    normals = person.gt_normals.data
    assert not normals[:, :, :6].any()  # an accordion
    np.testing.assert_allclose(normals[0, :, 6:], 1, atol=1e-3)
    edges = person.gt_edges.data[0]
    assert edges[1:, 4:8].any(1).all() and edges[4:8, 8:-1].any(0).all()
    assert not edges[:, :4].any() and edges.sum() < 30
    # a second call leaves what is there
    (out / 'edges/a.png').write_bytes(b'mine')
    convert_context(root, out, thin, ['wall'])
    assert (out / 'edges/a.png').read_bytes() == b'mine'


def test_without_a_list_there_are_no_normals(root, tmp_path):
    convert_context(root, tmp_path / 'out', thin)
    assert not (tmp_path / 'out/normals').exists()
    assert (tmp_path / 'out/parts/c.png').is_file()


def test_all_parts_of_a_person_have_a_class():
    names = [name for own in PARTS.values() for name in own]
    assert len(names) == len(set(names)) == 24
    assert list(PARTS)[1:] == ['head', 'torso', 'upper arm', 'lower arm',
                               'upper leg', 'lower leg']
    with pytest.raises(DataError, match="the part 'wing'"):
        part_map([('person', dict(wing=np.ones(SIZE, bool)))], SIZE)


def test_edges_lie_between_regions():
    regions = np.zeros((9, 9), int)
    regions[:, 5:] = 7
    found = edges_of(regions, lambda mask: mask)
    assert (found == 255).sum(0).tolist() == [0, 0, 0, 0, 9, 9, 0, 0, 0]
    assert not edges_of(np.full((9, 9), 3), thin).any()


def test_names_of_regions(root):
    path = root / 'pascal-context/labels.txt'
    assert region_numbers(path, ['bed clothes', 'wall']) == [23, 2]
    with pytest.raises(ConfigError, match='has no sofa .1 of 2 names'):
        region_numbers(path, ['sofa', 'wall'])
    path.write_text('accordion')
    with pytest.raises(DataError, match='no lines such as "1: accordion"'):
        region_numbers(path, ['wall'])


@pytest.mark.parametrize('name, content, said', [
    ('pascal-context/trainval/a.mat', b'no', 'is no MATLAB file'),
    ('human_parts/a.mat', b'no', 'is no MATLAB file'),
    ('semseg/VOC12/a.png', None, 'is missing, and so is'),
    ('normals_distill/a.png', b'no', 'no map that can be decoded'),
])
def test_broken_files(root, tmp_path, name, content, said):
    (root / name).unlink()
    if content:
        (root / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        convert_context(root, tmp_path / 'out', thin, ['wall'])
