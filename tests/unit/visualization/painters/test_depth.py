import numpy as np
import torch
from mmengine.structures import PixelData

from mmmultas.visualization.painters import DepthPainter

IMAGE = np.full((4, 4, 3), 9, np.uint8)


def test_near_differs_from_far_and_holes_are_black():
    depth = torch.tensor([[1., 2, 3, 0]] * 4)[None]
    painter, value = DepthPainter(dict(unit='m')), PixelData(data=depth)
    drawn = painter.paint(IMAGE, value)
    assert not drawn[:, 3].any()
    assert len({tuple(c) for c in drawn[0, :3].tolist()}) == 3
    assert [name for name, _ in painter.legend(value)] == ['1 m', '3 m']
    nothing = PixelData(data=depth * 0)
    assert not painter.paint(IMAGE, nothing).any()
    assert painter.legend(nothing) == []


def test_what_is_shown_together_has_one_range():
    truth = PixelData(data=torch.tensor([[1., 2, 3, 5]] * 4)[None])
    other = PixelData(data=truth.data * 2)
    painter = DepthPainter(dict(unit='m'))
    painter.fit([PixelData(data=truth.data * 0), truth, other])
    shown, later = painter.paint(IMAGE, truth), painter.paint(IMAGE, other)
    assert (shown[:, 1] == later[:, 0]).all()  # 2 m both times
    assert (later[:, 2:] == shown[:, 3:]).all()  # beyond the farthest
    assert painter.legend(truth) == painter.legend(other)


def test_the_error_is_relative_and_of_valid_pixels_alone():
    truth = PixelData(data=torch.tensor([[2., 2, 2, 0]] * 4)[None])
    found = PixelData(data=torch.tensor([[2., 2.5, 9, 9]] * 4)[None])
    drawn = DepthPainter({}).error(IMAGE, truth, found).astype(int).sum(2)
    assert drawn[0, 0] < drawn[0, 1] < drawn[0, 2] and drawn[0, 3] == 0
