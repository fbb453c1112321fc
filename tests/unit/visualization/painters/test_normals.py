import numpy as np
import torch
from mmengine.structures import PixelData

from mmmultas.visualization.painters import NormalPainter


def test_directions_are_colours():
    data = torch.zeros(3, 1, 2)
    data[:, 0, 0] = torch.tensor([1., 0, -1])
    drawn = NormalPainter({}).paint(
        np.zeros((1, 2, 3), np.uint8), PixelData(data=data))
    assert drawn[0].tolist() == [[255, 128, 0], [0, 0, 0]]
