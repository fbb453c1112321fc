import cv2
import numpy as np
import pytest


@pytest.fixture
def rooms(tmp_path):
    """Six images with depth, normals, parts and edges."""
    rng = np.random.default_rng(0)
    normals = np.zeros((8, 10, 3), np.float32)
    normals[..., 2] = 1
    for folder in ('images', 'depth', 'normals', 'parts', 'edges'):
        (tmp_path / folder).mkdir()
    for i in range(6):
        cv2.imwrite(f'{tmp_path}/images/{i}.png',
                    rng.integers(0, 255, (8, 10, 3)))
        cv2.imwrite(f'{tmp_path}/depth/{i}.png',
                    rng.integers(900, 5000, (8, 10)).astype(np.uint16))
        cv2.imwrite(f'{tmp_path}/parts/{i}.png',
                    np.eye(8, 10, dtype=np.uint8))
        cv2.imwrite(f'{tmp_path}/edges/{i}.png',
                    np.eye(8, 10, dtype=np.uint8) * 255)
        np.save(f'{tmp_path}/normals/{i}.npy', normals)
    return tmp_path
