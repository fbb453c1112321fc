import numpy as np
import torch

from mmmultas.structures import sem_seg_data
from mmmultas.visualization.painters import ClassPainter


def test_regions_are_tinted_and_named():
    image = np.zeros((4, 4, 3), np.uint8)
    mask = torch.zeros(1, 4, 4, dtype=torch.long)
    mask[0, :, 2:] = 1
    painter = ClassPainter(
        dict(classes=('background', 'cup'), palette=[(0, 0, 0), (200, 0, 0)]))
    value = sem_seg_data(mask)
    drawn = painter.paint(image, value)
    assert not drawn[:, 0].any() and drawn[:, 3, 0].all()
    assert painter.legend(value) == [('cup', (200, 0, 0))]
    assert not ClassPainter({}).paint(image, value).any()
