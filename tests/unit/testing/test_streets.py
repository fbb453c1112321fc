import cv2
import numpy as np

from mmmultas.testing.streets import street_ids, write_cityscapes


def test_layout(tmp_path):
    write_cityscapes(tmp_path, dict(train=3))
    names = sorted(
        p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob('*.png'))
    assert len(names) == 12
    assert names[0] == ('disparity/train/aachen/aachen_000000_000019_'
                        'disparity.png')
    assert names[3] == ('gtFine/train/aachen/aachen_000000_000019_'
                        'gtFine_instanceIds.png')
    ids = cv2.imread(str(tmp_path / names[3]), cv2.IMREAD_UNCHANGED)
    assert ids.dtype == np.uint16
    assert (ids == street_ids()).all()


def test_scene():
    assert (street_ids(seed=0) != street_ids(seed=1)).any()
    values = np.unique(street_ids((128, 256)))
    assert {26000, 26001, 26002, 29000, 24, 1, 23} <= set(values.tolist())
