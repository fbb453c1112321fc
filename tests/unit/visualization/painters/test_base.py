import numpy as np
import pytest
import torch
from mmengine.structures import PixelData

from mmmultas.visualization.painters.base import Painter, planes


def test_planes_of_either_number_of_channels():
    one = PixelData(data=torch.arange(4.).reshape(1, 2, 2))
    assert planes(one, (4, 4)).shape == (4, 4)
    assert planes(one, (2, 2)).tolist() == [[0, 1], [2, 3]]
    three = PixelData(data=torch.zeros(3, 2, 2))
    assert planes(three, (4, 6), nearest=False).shape == (4, 6, 3)


def test_a_painter_says_how():
    painter = Painter(dict(classes=('background', 'cup')))
    assert painter.legend(None) == []
    assert painter.classes()[0] == ('background', 'cup')
    with pytest.raises(NotImplementedError):
        painter.paint(np.zeros((2, 2, 3), np.uint8), None)
