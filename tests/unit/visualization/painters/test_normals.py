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


def test_the_error_is_the_angle():
    truth = torch.zeros(3, 4, 4)
    truth[2, :, :3] = 1
    found = torch.zeros(3, 4, 4)
    found[2] = 2  # no unit vector: its direction counts
    found[0, :, 1], found[0, :, 2] = 1, 9
    drawn = NormalPainter({}).error(
        np.zeros((4, 4, 3), np.uint8), PixelData(data=truth),
        PixelData(data=found)).astype(int).sum(2)
    assert drawn[0, 0] < drawn[0, 1] < drawn[0, 2] and drawn[0, 3] == 0
