import cv2
import numpy as np
import pytest

from mmmultas.datasets.mask_maps import borders, foreground, write_mask_maps
from mmmultas.utils.errors import DataError


@pytest.fixture
def classes():
    """A thing of class 3 in a frame of unknown pixels."""
    mask = np.zeros((12, 16), np.uint8)
    mask[3:9, 4:12] = 255
    mask[5:7, 6:10] = 3
    return mask


def test_edges_run_in_the_middle_of_what_is_unknown(classes):
    edges = borders(classes)
    assert set(np.unique(edges)) == {0, 255}
    rows, columns = np.nonzero(edges)
    assert (rows.min(), rows.max()) == (3, 7)
    assert (columns.min(), columns.max()) == (4, 10)
    assert edges[5:7, 6:10].sum() == 0  # inside
    plain = np.where(classes == 255, 3, classes)
    assert borders(plain)[4].nonzero()[0].tolist() == [3, 11]


def test_nothing_known():
    assert (borders(np.full((2, 3), 255, np.uint8)) == 127).all()
    assert (borders(np.zeros((2, 3), np.uint8)) == 0).all()


def test_foreground(classes):
    stands = foreground(classes)
    assert (stands == 127).sum() == 6 * 8 - 2 * 4
    assert (stands == 255).sum() == 8
    assert (foreground(classes, background=3) == 255).sum() == 12 * 16 - 48


def test_files(classes, tmp_path):
    masks = tmp_path / 'masks'
    (masks / 'deep').mkdir(parents=True)
    cv2.imwrite(str(masks / 'deep/a.png'), classes)
    assert write_mask_maps(masks, tmp_path / 'out') == 1
    for what, want in (('edges', borders), ('saliency', foreground)):
        found = cv2.imread(str(tmp_path / f'out/{what}/deep/a.png'), -1)
        assert np.array_equal(found, want(classes))
    # goes on where it was stopped
    (masks / 'deep/a.png').write_bytes(b'broken')
    write_mask_maps(masks, tmp_path / 'out')
    (tmp_path / 'out/edges/deep/a.png').unlink()
    with pytest.raises(DataError, match=r'a\.png'):
        write_mask_maps(masks, tmp_path / 'out')
    with pytest.raises(DataError, match='is no folder'):
        write_mask_maps(tmp_path / 'out/nothing', tmp_path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='has no mask'):
        write_mask_maps(tmp_path / 'empty', tmp_path)
