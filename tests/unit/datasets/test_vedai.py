import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmmultas.datasets.coco import read_coco
from mmmultas.datasets.folder import FolderDataset
from mmmultas.datasets.vedai import (CLASSES, LEFT_OUT, convert_vedai,
                                     read_joint, read_single)
from mmmultas.datasets.writing import write_png
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
#: Turned rectangles: class id, x1 … x4, y1 … y4.
CAR = (1, 10, 20, 25, 15, 5, 10, 40, 35)
BOAT = (23, 50, 70, 70, 50, -5, -5, 10, 10)  # reaches beyond the border
PLANE = (31, 1, 2, 3, 4, 1, 2, 3, 4)
AWAY = (2, 70, 80, 80, 70, 1, 1, 2, 2)  # outside of 64 pixels
SCENES = {
    '00000000': [CAR, BOAT],
    '00000001': [PLANE, CAR],
    '00000007': [],
    '00000012': [AWAY]
}


def single(label, *corners):
    return ' '.join(map(str, (12.5, 20.25, .7, label, 1, 0, *corners)))


def joint(name, label, *corners):
    return ' '.join(
        map(str, (name, 12.5, 20.25, .7, *corners, f'{label:03d}', 1, 0)))


def write(root, size=512, scenes=SCENES, layout='single'):
    """The published folders, with images of 64 pixels."""
    notes = root / f'Annotations{size}'
    notes.mkdir(parents=True)
    images = root / f'Vehicules{size}'
    for name, vehicles in scenes.items():
        write_png(images / f'{name}_co.png', np.zeros((64, 64, 3), np.uint8))
        write_png(images / f'{name}_ir.png', np.zeros((64, 64), np.uint8))
        if layout == 'single':
            (notes / f'{name}.txt').write_text(''.join(
                f'{single(*v)} \n' for v in vehicles))
    if layout == 'joint':
        (notes / f'annotation{size}.txt').write_text('\n'.join(
            joint(name, *v) for name, vs in scenes.items() for v in vs))
    (notes / 'fold01.txt').write_text('00000000\n00000001\r\n00000007\n')
    (notes / 'fold01test.txt').write_text('12\n')
    return root


@pytest.mark.parametrize('layout', ['single', 'joint'])
def test_both_layouts_say_the_same(tmp_path, layout):
    root = write(tmp_path / 'VEDAI', layout=layout)
    counts = convert_vedai(root, folds=[1])
    assert counts == {
        'folds': 1, 'images': 4, 'boxes': 3, 'left out': 1, 'outside': 1,
        'without corners': 0
    }
    train = read_coco(root / 'boxes512/fold01_train.json')
    assert train.classes == tuple(CLASSES.values())
    assert [i.file_name[:8] for i in train.images] == [
        '00000000', '00000001', '00000007'
    ]
    boxes = [[(b.name, b.bbox) for b in i.boxes] for i in train.images]
    car = ('car', (10., 5., 25., 40.))
    assert boxes == [[car, ('ship', (50., 0., 64., 10.))], [car], []]
    test = read_coco(root / 'boxes512/fold01_test.json')
    assert [i.file_name for i in test.images] == ['00000012_co.png']


def test_folder_dataset_reads_them_where_the_images_are(tmp_path):
    root = write(tmp_path, size=1024)
    convert_vedai(root, 1024, folds=[1], out=tmp_path / 'there')
    dataset = FolderDataset(
        images=str(root / 'Vehicules1024'),
        boxes=str(tmp_path / 'there/fold01_train.json'),
        tasks=('det', ),
        image_suffix='_co.png',
        classes=dict(det=tuple(CLASSES.values())))
    assert len(dataset) == 3
    info = dataset[0]
    assert info['img_path'].endswith('Vehicules1024/00000000_co.png')
    assert [x['bbox_label'] for x in info['instances']] == [0, 5]
    assert dataset[2]['instances'] == []


def test_classes():
    assert set(CLASSES.values()) == {
        'car', 'truck', 'pickup', 'tractor', 'camper', 'ship', 'van', 'others'
    }
    assert sorted({**CLASSES, **LEFT_OUT}) == [
        1, 2, 4, 5, 7, 8, 9, 10, 11, 23, 31
    ]


def test_images_whose_corners_are_unknown_are_left_out(tmp_path):
    root = write(tmp_path)
    path = root / 'Annotations512/00000001.txt'
    path.write_text('12.5 20.25 1 1 0\n')
    assert read_single(path) is None
    assert convert_vedai(root, folds=[1])['without corners'] == 1
    train = read_coco(root / 'boxes512/fold01_train.json')
    assert len(train.images) == 2


@pytest.mark.parametrize('text, message', [
    ('1 2 3', 'line 1 of .*x.txt has 3 columns instead of 14'),
    (single(*CAR) + '\n' + single(3, *CAR[1:]), 'line 2 .* class id 3, which'),
    (single('one', *CAR[1:]), 'line 1 .* no number'),
    (single(1, 'nan', *CAR[2:]), 'line 1 .* no number'),
])
def test_lines_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / 'x.txt').write_text(text)
    with pytest.raises(DataError, match=message):
        read_single(tmp_path / 'x.txt')


def test_joint_lines_that_cannot_be_read(tmp_path):
    (tmp_path / 'x.txt').write_text(single(*CAR))
    with pytest.raises(DataError, match='has 14 columns instead of 15'):
        read_joint(tmp_path / 'x.txt')


@pytest.mark.parametrize('name, message', [
    ('Annotations512/fold01.txt', 'fold01.txt is neither in'),
    ('Annotations512/00000007.txt', '00000007.txt is missing'),
    ('Vehicules512/00000012_co.png', '00000012_co.png'),
])
def test_missing_files_are_named(tmp_path, name, message):
    root = write(tmp_path)
    (root / name).unlink()
    with pytest.raises(DataError, match=message):
        convert_vedai(root, folds=[1])


def test_no_annotations(tmp_path):
    root = write(tmp_path, layout='none')
    with pytest.raises(DataError, match='neither 00000000.txt nor annotation'):
        convert_vedai(root, folds=[1])


@pytest.mark.parametrize('text, message', [
    ('00000000', r'fold01test.txt both hold 00000000'),
    ('car', "holds 'car', which is no image number"),
    ('', 'is empty'),
])
def test_wrong_folds(tmp_path, text, message):
    root = write(tmp_path)
    (root / 'Annotations512/fold01test.txt').write_text(text)
    with pytest.raises(DataError, match=message):
        convert_vedai(root, folds=[1])


def test_wrong_arguments(tmp_path):
    with pytest.raises(ConfigError, match='not of 640'):
        convert_vedai(tmp_path, size=640)
    with pytest.raises(ConfigError, match=r'folds 1 to 10, not \[11\]'):
        convert_vedai(tmp_path, folds=[11])


def test_tool(tmp_path):
    root = write(tmp_path)
    tool = ROOT / 'tools/dataset_converters/vedai.py'
    run = subprocess.run([sys.executable, tool, root, '--folds', '1'],
                         capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.startswith('folds: 1, images: 4, boxes: 3'), run.stderr
    missing = subprocess.run([sys.executable, tool, root, '--folds', '2'],
                             capture_output=True, text=True, cwd=ROOT)
    assert missing.returncode and 'Traceback' not in missing.stderr
    assert 'fold02.txt is neither in' in missing.stderr + missing.stdout
