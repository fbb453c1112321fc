import hashlib

import numpy as np
import pytest
from PIL import Image

from mmmultas.datasets import VOCDataset
from mmmultas.testing.digits import (BORDER, DIGITS, DigitPainter,
                                     write_digits_voc)
from mmmultas.utils.errors import DataError


def _hashes(folder):
    return {
        path.relative_to(folder).as_posix():
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*') if path.is_file()
    }


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    out = tmp_path_factory.mktemp('digits')
    counts = write_digits_voc(out, num_train=8, num_val=4)
    assert counts == dict(images=12, xmls=8, masks=8)
    return out


def _dataset(digits, tasks, ids):
    return VOCDataset(
        str(digits / 'VOCdevkit'), [dict(root='Digits', ids=ids)],
        tasks,
        classes=dict(det=DIGITS, seg=('background', *DIGITS)))


def test_no_scan_and_no_half_of_a_photo_is_shared():
    train, val = DigitPainter('train'), DigitPainter('val')
    assert not set(train.scan_indices) & set(val.scan_indices)
    assert len(train.scans) + len(val.scans) == 1797
    for mine, other in zip(train.photos, val.photos):
        assert mine.shape[1] + other.shape[1] == 640
        assert not np.array_equal(mine, other)


def test_every_training_scene_keeps_one_label(digits):
    root = digits / 'VOCdevkit/Digits'
    boxes = {path.stem for path in root.glob('Annotations/train*')}
    masks = {path.stem for path in root.glob('SegmentationClass/train*')}
    images = {path.stem for path in root.glob('JPEGImages/train*')}
    assert boxes | masks == images
    assert not boxes & masks
    assert len(boxes) == len(masks) == 4


def test_our_data_set_reads_it(digits):
    det = _dataset(digits, ('det', ), 'ImageSets/Main/train.txt')
    seg = _dataset(digits, ('seg', ), 'ImageSets/Segmentation/train.txt')
    both = _dataset(digits, ('det', 'seg'), 'ImageSets/Main/val.txt')
    assert (len(det), len(seg), len(both)) == (4, 4, 4)
    assert 1 <= len(det.get_data_info(0)['instances']) <= 4


def test_boxes_enclose_the_ink():
    painter = DigitPainter('val')
    for seed in range(20):
        scene = painter.paint(np.random.default_rng(seed))
        assert 1 <= len(scene.boxes) <= 4
        inside = np.zeros(scene.mask.shape, bool)
        for digit, (x1, y1, x2, y2) in scene.boxes:
            assert 1 <= x1 < x2 <= 128 and 1 <= y1 < y2 <= 128
            window = scene.mask[y1 - 1:y2, x1 - 1:x2]
            inside[y1 - 1:y2, x1 - 1:x2] = True
            assert (window == digit + 1).any()
        ink = (scene.mask > 0) & (scene.mask != BORDER)
        assert inside[ink].all()
        classes = {digit + 1 for digit, _ in scene.boxes}
        assert set(np.unique(scene.mask)) == classes | {0, BORDER}


def test_digits_stand_out():
    painter = DigitPainter('train')
    scene = painter.paint(np.random.default_rng(1))
    ink = (scene.mask > 0) & (scene.mask != BORDER)
    value = scene.image.max(axis=-1).astype(float)
    assert value[ink].mean() > value[scene.mask == 0].mean() + 60


def test_the_seed_decides_every_byte(digits, tmp_path):
    write_digits_voc(tmp_path / 'same', 8, 4)
    write_digits_voc(tmp_path / 'other', 8, 4, seed=1)
    assert _hashes(tmp_path / 'same') == _hashes(digits)
    assert _hashes(tmp_path / 'other') != _hashes(digits)


def test_more_scenes_leave_the_first_ones_alone(digits, tmp_path):
    write_digits_voc(tmp_path, 10, 5)
    more = _hashes(tmp_path / 'VOCdevkit')
    for name, digest in _hashes(digits / 'VOCdevkit').items():
        if 'ImageSets' not in name:
            assert more[name] == digest


def test_masks_have_the_palette_of_voc(digits):
    path = next(digits.glob('VOCdevkit/Digits/SegmentationClass/*.png'))
    picture = Image.open(path)
    assert picture.mode == 'P'
    assert picture.getpalette()[3:6] == [128, 0, 0]


def test_counts_are_positive(tmp_path):
    with pytest.raises(DataError, match='two training scenes'):
        write_digits_voc(tmp_path, 1, 1)
