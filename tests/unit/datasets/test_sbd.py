import numpy as np
import pytest
from PIL import Image

from mmmultas.datasets.checks import read_ids
from mmmultas.datasets.sbd import (convert_sbd, read_sbd_mask,
                                   save_palette_png)
from mmmultas.datasets.transforms.loading import decode_mask
from mmmultas.utils.errors import DataError

scipy_io = pytest.importorskip('scipy.io', reason='scipy is not installed')


def save_mat(path, mask, key='GTcls'):
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy_io.savemat(path, {
        key: {
            'Boundaries': np.zeros(3),
            'Segmentation': np.asarray(mask)
        }
    })
    return path


@pytest.fixture
def folders(devkit, tmp_path):
    """VOC has masks of a (train), b (val), c; SBD of b, c, d and e."""
    for name, ids in (('train', 'a'), ('val', 'b')):
        devkit.ids(list(ids), f'ImageSets/Segmentation/{name}.txt')
    sbd = tmp_path / 'benchmark_RELEASE'
    for number, name in enumerate('bcde'):
        mask = np.full((4, 5), number, np.uint8)
        save_mat(sbd / f'dataset/cls/{name}.mat', mask)
    return sbd, devkit.root / 'VOC2012'


def values(path):
    return decode_mask(path.read_bytes(), str(path))


def test_conversion(folders):
    sbd, voc = folders
    assert convert_sbd(sbd, voc) == dict(voc=3, sbd=2, kept=0, trainaug=4)
    out = voc / 'SegmentationClassAug'
    assert sorted(p.name for p in out.iterdir()) == [
        f'{i}.png' for i in 'abcde'
    ]
    original = voc / 'SegmentationClass/c.png'
    assert (out / 'c.png').read_bytes() == original.read_bytes()
    assert (values(out / 'e.png') == 3).all()
    assert read_ids(voc / 'ImageSets/Segmentation/trainaug.txt') == [
        'a', 'c', 'd', 'e'
    ]


def test_going_on_after_a_stop(folders):
    sbd, voc = folders

    def stop(files):
        yield from files[:4]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_sbd(sbd, voc, track=stop)
    assert not (voc / 'ImageSets/Segmentation/trainaug.txt').exists()
    assert convert_sbd(sbd, voc) == dict(voc=0, sbd=1, kept=4, trainaug=4)
    assert not list(voc.rglob('*.part'))


def test_palette_png(tmp_path):
    mask = np.uint8([[0, 8], [20, 255]])
    save_palette_png(mask, tmp_path / 'x.png')
    assert (values(tmp_path / 'x.png') == mask).all()
    with Image.open(tmp_path / 'x.png') as picture:
        assert picture.mode == 'P'
        assert picture.convert('RGB').getpixel((1, 0)) == (64, 0, 0)


@pytest.mark.parametrize('key, mask, message', [
    ('GTinst', np.zeros((2, 2)), 'no GTcls.Segmentation; use'),
    ('GTcls', np.zeros(0), 'no GTcls.Segmentation'),
    ('GTcls', np.full((2, 2), 21), 'no VOC class'),
    ('GTcls', np.full((2, 2), -1), 'no VOC class'),
])
def test_wrong_contents(tmp_path, key, mask, message):
    with pytest.raises(DataError, match=f'x.mat .*{message}'):
        read_sbd_mask(save_mat(tmp_path / 'x.mat', mask, key))


def test_no_mat_file(tmp_path):
    (tmp_path / 'x.mat').write_text('hello')
    with pytest.raises(DataError, match='x.mat is no MATLAB file'):
        read_sbd_mask(tmp_path / 'x.mat')


def test_missing_folders(folders, tmp_path):
    sbd, voc = folders
    with pytest.raises(DataError, match='no cls/'):
        convert_sbd(tmp_path, voc)
    (voc / 'ImageSets/Segmentation/val.txt').unlink()
    with pytest.raises(DataError, match='val.txt'):
        convert_sbd(sbd, voc)
