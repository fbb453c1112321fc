import numpy as np
import torch
from mmengine.structures import InstanceData

from mmmultas.visualization.painters import BoxPainter


def test_boxes_are_drawn_where_they_are():
    image = np.zeros((100, 100, 3), np.uint8)
    boxes = InstanceData(bboxes=torch.tensor([[10., 20., 40., 45.]]),
                         labels=torch.tensor([0]))
    drawn = BoxPainter(dict(classes=('cup', ))).paint(image, boxes, 2.0)
    y, x = np.where(drawn.any(2))
    assert 15 <= x.min() <= 20 and 78 <= x.max() <= 85 and y.max() >= 88
    assert not image.any()
    boxes.scores = torch.tensor([.5])
    assert BoxPainter(dict(classes=('cup', ))).paint(image, boxes).any()
    # a task without names of classes is not drawn
    assert not BoxPainter({}).paint(image, boxes).any()
