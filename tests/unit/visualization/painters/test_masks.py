import numpy as np
import torch
from mmengine.structures import PixelData

from mmmultas.visualization.painters import YesNoPainter


def test_yes_is_white_and_unknown_is_grey():
    value = PixelData(data=torch.tensor([[[0, 1], [255, 1]]]))
    drawn = YesNoPainter({}).paint(np.zeros((2, 2, 3), np.uint8), value)
    assert drawn[..., 0].tolist() == [[0, 255], [102, 255]]
