from types import SimpleNamespace

import cv2
import numpy as np

from mmmultas.visualization.charts import draw_matrix, plot_panels


def test_curves(tmp_path):
    curve = SimpleNamespace(steps=[1, 2, 3], values=[1.0, float('nan'), 3.0])
    path = tmp_path / 'new/plot.png'
    plot_panels({'det losses': {'loss': curve}}, path)
    one = cv2.imread(str(path))
    plot_panels({name: {'loss': curve} for name in 'abc'}, path,
                {'a': 'epoch'})
    three = cv2.imread(str(path))
    assert three.shape[0] > one.shape[0] and three.shape[1] > one.shape[1]
    assert (one < 200).any()


def _darkness(path):
    """Blue ink per quarter of the picture's middle."""
    image = cv2.imread(str(path)).astype(int)
    return (image[..., 0] - image[..., 2] > 60).sum()


def test_matrix(tmp_path):
    names = ('cat', 'dog')
    full, empty = tmp_path / 'full.png', tmp_path / 'empty.png'
    draw_matrix(np.eye(2) * 7, names, names, 'both right', full)
    draw_matrix(np.zeros((2, 2)), names, names, 'nothing', empty)
    assert _darkness(full) > _darkness(empty) + 10_000
