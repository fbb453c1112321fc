import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmmultas.datasets.cityscapes import (BOX_CLASSES, CATEGORIES,
                                          PALETTE, category_table,
                                          convert_cityscapes, find_frames,
                                          instance_boxes)
from mmmultas.datasets.coco import read_coco
from mmmultas.datasets.folder import FolderDataset
from mmmultas.testing.streets import street_ids, write_cityscapes
from mmmultas.utils.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parents[3]
#: As the data set's label definitions have it.
BY_HAND = {
    'flat': 'road sidewalk parking railtrack',
    'construction': 'building wall fence guardrail bridge tunnel',
    'object': 'pole polegroup light sign',
    'nature': 'vegetation terrain',
    'sky': 'sky',
    'human': 'person rider',
    'vehicle': 'car truck bus caravan trailer train motorcycle bicycle'
}
NAME = 'aachen_000000_000019'


@pytest.fixture
def root(tmp_path):
    write_cityscapes(tmp_path / 'cityscapes')
    return tmp_path / 'cityscapes'


def frame_files(root, split='train'):
    return find_frames(root, split)[0]


def test_table_against_the_definitions():
    expected = [255] * 7
    for number, name in enumerate(CATEGORIES):
        expected += [number] * len(BY_HAND[name].split())
    assert len(expected) == 34 and list(CATEGORIES) == list(BY_HAND)
    assert category_table().tolist() == expected + [254] * (256 - 34)
    assert len(PALETTE) == len(CATEGORIES)
    labels = ' '.join(BY_HAND.values()).split()
    assert {labels[i - 7] for i in BOX_CLASSES} == {*BOX_CLASSES.values()}


def naive_boxes(ids):
    """Instances by a loop over their ids, without groups."""
    things = []
    for value in np.unique(ids[ids >= 1000]):
        ys, xs = np.nonzero(ids == value)
        if value // 1000 in BOX_CLASSES:
            things.append(
                (BOX_CLASSES[value // 1000], xs.min(), ys.min(),
                 xs.max() - xs.min() + 1, ys.max() - ys.min() + 1, False))
    return things


def test_boxes_against_a_loop():
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = np.full((30, 40), 7, np.uint16)
        for _ in range(12):
            y, x = rng.integers(0, 25), rng.integers(0, 35)
            value = int(rng.integers(24, 34)) * 1000 + int(rng.integers(4))
            ids[y:y + 5, x:x + 5] = value
        assert instance_boxes(ids) == naive_boxes(ids)
    assert instance_boxes(np.zeros((4, 4), np.uint16)) == []


def test_groups_fall_apart_into_marked_boxes():
    ids = np.full((10, 20), 7, np.uint16)
    ids[2:5, 1:4] = ids[6:8, 10:19] = 24  # persons, not taken apart
    ids[0, 0] = 29  # caravans have no boxes
    assert sorted(instance_boxes(ids)) == [
        ('person', 1, 2, 3, 3, True), ('person', 10, 6, 9, 2, True)
    ]


def test_conversion(root, tmp_path):
    counts = convert_cityscapes(root, tmp_path / 'out', size=(32, 64))
    assert counts == dict(train=4, val=2, kept=0)
    folder = tmp_path / 'out/train'
    mask = cv2.imread(str(folder / f'masks/{NAME}.png'))
    assert mask.shape == (32, 64, 3)
    assert mask[4, 4].tolist() == list(PALETTE[4])[::-1]  # sky
    dataset = FolderDataset(
        images=str(folder / 'images'),
        boxes=str(folder / 'boxes.json'),
        masks=str(folder / 'masks'),
        classes=dict(det=tuple(BOX_CLASSES.values()), seg=CATEGORIES),
        pipeline=[
            dict(type='mmmultas.LoadImage'),
            dict(type='mmmultas.LoadLabels')
        ])
    assert len(dataset) == 4
    sample = dataset[0]
    assert sample['img'].shape == (32, 64, 3)
    labels = street_ids(seed=0)
    labels = np.where(labels < 1000, labels, labels // 1000)
    # the centres of the 2 × 2 blocks of one label
    blocks = labels.reshape(32, 2, 64, 2).swapaxes(1, 2).reshape(32, 64, 4)
    pure = (blocks == blocks[..., :1]).all(2)
    expected = category_table()[blocks[..., 0]]
    assert pure.mean() > .9
    assert (sample['gt_seg_map'][pure] == expected[pure]).all()
    assert set(np.unique(sample['gt_seg_map'])) == {*range(7), 255}
    check_boxes(sample)


def check_boxes(sample):
    """Three cars, half as large; the two groups of persons are ignored."""
    things = instance_boxes(street_ids(seed=0))
    boxes = sample['gt_bboxes'].tensor.numpy()
    for (name, x, y, w, h, group), box, label, ignored in zip(
            things, boxes, sample['gt_bboxes_labels'],
            sample['gt_ignore_flags'], strict=True):
        assert box.tolist() == [x / 2, y / 2, (x + w) / 2, (y + h) / 2]
        assert tuple(BOX_CLASSES.values())[label] == name
        assert ignored == group
    assert [t[0] for t in things] == ['car'] * 3 + ['person'] * 2


def test_a_second_call_keeps_what_is_whole(root, tmp_path):
    out = tmp_path / 'out'
    convert_cityscapes(root, out, size=(32, 64), splits=['train'])
    before = (out / 'train/boxes.json').read_bytes()
    broken = out / f'train/masks/{NAME}.png'
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-9])
    again = convert_cityscapes(root, out, size=(32, 64), splits=['train'])
    assert again == dict(train=4, kept=3)
    assert broken.read_bytes() == whole
    assert (out / 'train/boxes.json').read_bytes() == before
    # another size is another conversion
    larger = convert_cityscapes(root, out, size=(64, 128), splits=['train'])
    assert larger['kept'] == 0
    box = read_coco(out / 'train/boxes.json').images[0].boxes[0]
    assert box.bbox[3] - box.bbox[1] == 8.0
    assert not list(out.rglob('*.part'))


def test_going_on_after_a_stop(root, tmp_path):

    def stop(items, *, total, what):
        assert (total, what) == (4, 'train')
        yield next(iter(items))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_cityscapes(root, tmp_path / 'out', (32, 64), workers=1,
                           track=stop)
    assert not (tmp_path / 'out/train/boxes.json').exists()
    counts = convert_cityscapes(root, tmp_path / 'out', (32, 64))
    assert counts['train'] == 4 and 1 <= counts['kept'] <= 4


@pytest.mark.parametrize('kind', ['image', 'labels', 'instances'])
def test_missing_files_are_named(root, tmp_path, kind):
    path = getattr(frame_files(root), kind)
    path.unlink()
    with pytest.raises(DataError, match=f'{path.name} is missing; unpack'):
        convert_cityscapes(root, tmp_path / 'out')


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match='no CITY/.*leftImg8bit_trainval'):
        convert_cityscapes(tmp_path, tmp_path / 'out')


@pytest.mark.parametrize('kind, picture, message', [
    ('labels', np.zeros((8, 8), np.uint8), 'is 8×8, its image 128×64'),
    ('instances', np.zeros((8, 8), np.uint16), 'is 8×8, its image 128×64'),
    ('labels', np.full((64, 128), 34, np.uint8), 'holds the label id 34'),
    ('instances', np.full((64, 128), 34001, np.uint16), 'instance id 34001'),
    ('instances', np.full((64, 128), 99, np.uint16), 'instance id 99'),
    ('labels', np.zeros((64, 128, 3), np.uint8), 'has colours'),
    ('instances', np.zeros((64, 128, 3), np.uint8), 'has colours'),
])
def test_wrong_contents_are_named(root, tmp_path, kind, picture, message):
    path = getattr(frame_files(root), kind)
    cv2.imwrite(str(path), picture)
    with pytest.raises(DataError, match=f'{path.name} .*{message}'):
        convert_cityscapes(root, tmp_path / 'out')


@pytest.mark.parametrize('kind', ['image', 'labels', 'instances'])
def test_truncated_files_are_named(root, tmp_path, kind):
    path = getattr(frame_files(root), kind)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=f'{path.name} is truncated'):
        convert_cityscapes(root, tmp_path / 'out')


def test_wrong_arguments(root, tmp_path):
    with pytest.raises(ConfigError, match='train and val, not of test'):
        convert_cityscapes(root, tmp_path, splits=['test'])
    with pytest.raises(ConfigError, match='not 0×256'):
        convert_cityscapes(root, tmp_path, size=(0, 256))


def test_full_size_needs_no_conversion(root):
    """FolderDataset reads label ids as they are (docs/data.md)."""
    dataset = FolderDataset(
        images=str(root / 'leftImg8bit/val'),
        masks=str(root / 'gtFine/val'),
        tasks=('seg', ),
        classes=dict(seg=CATEGORIES),
        image_suffix='_leftImg8bit.png',
        mask_suffix='_gtFine_labelIds.png',
        mask_values=[
            tuple(range(*ids)) for ids in ((7, 11), (11, 17), (17, 21),
                                           (21, 23), (23, 24), (24, 26),
                                           (26, 34))
        ],
        ignore_values=tuple(range(7)),
        pipeline=[
            dict(type='mmmultas.LoadImage'),
            dict(type='mmmultas.LoadLabels')
        ])
    labels = street_ids(seed=0)
    labels = np.where(labels < 1000, labels, labels // 1000)
    assert (dataset[0]['gt_seg_map'] == category_table()[labels]).all()


def test_tool(root, tmp_path):
    run = subprocess.run(
        [
            sys.executable, ROOT / 'tools/dataset_converters/cityscapes.py',
            root, tmp_path / 'out', '--size', '32', '64', '--splits', 'val'
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True)
    assert '2 frames of val are in' in run.stdout
    assert 'val: 100%' in run.stderr
    assert (tmp_path / 'out/val/boxes.json').is_file()
