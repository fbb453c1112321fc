from types import SimpleNamespace

import cv2
import numpy as np

from mmmultas.visualization.charts import (draw_bars, draw_matrix,
                                           plot_panels,
                                           plot_precision_recall)


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


def _ink(path, colour):
    """Pixels of a colour (RGB) in a picture."""
    image = cv2.imread(str(path))[..., ::-1].astype(int)
    return int((abs(image - colour).sum(axis=-1) < 30).sum())


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_precision_over_recall(tmp_path):
    curve = np.array([0.2, 0.4, 0.9]), np.array([1.0, 0.9, 0.5])
    nothing = np.zeros(0), np.zeros(0)
    one, two = tmp_path / 'one.png', tmp_path / 'two.png'
    plot_precision_recall({'run': {'cat': curve}}, one, 'AP50')
    assert _ink(one, BLUE) > 100 and not _ink(one, ORANGE)
    plot_precision_recall({
        'first': {'cat': curve, 'dog': nothing},
        'second': {'cat': curve, 'cow': curve}}, two)
    assert _ink(two, ORANGE) > 100
    assert cv2.imread(str(two)).shape[1] > 2 * cv2.imread(str(one)).shape[1]


def test_bars(tmp_path):
    one, two = tmp_path / 'one.png', tmp_path / 'two.png'
    bars = dict(Cls=3.0, Loc=6.0)
    draw_bars({'main': {'run': bars}, 'special': {'run': dict(FP=1.0)}}, one)
    low = _ink(one, BLUE)
    draw_bars({'main': {'run': bars, 'other': dict(Cls=6.0, Loc=6.0)}}, two)
    assert low > 1000 and _ink(two, ORANGE) > _ink(two, BLUE) > 1000
