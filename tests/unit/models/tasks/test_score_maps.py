import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.models.tasks.score_maps import (check_scores, filled_boxes,
                                              score_map)
from mmmultas.utils.errors import ConfigError


def test_the_best_anchor_and_level_speak():
    fine = torch.full((1, 4, 2, 2), -20.)  # two anchors of two classes
    fine[0, 2, 0, 0] = 20  # the second anchor, the first class
    coarse = torch.full((1, 4, 1, 1), -20.)
    coarse[0, 1] = 20  # the first anchor, the second class
    found = score_map(([fine, coarse], None), 2, (2, 2), 'x')
    assert found[0, 0].round().tolist() == [[1, 0], [0, 0]]
    assert (found[0, 1] > .99).all()


def test_boxes_are_filled():
    sample = DetDataSample(gt_instances=InstanceData(
        bboxes=torch.tensor([[0., 0, 2, 1], [1., 0, 3, 1]]),
        labels=torch.tensor([1, 1])))
    found = filled_boxes([sample], 2, (2, 4))
    assert found[0, 0].sum() == 0
    assert found[0, 1].tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]


def test_heads_without_raw_scores():
    class YOLOXHead:
        num_classes = 2

    with pytest.raises(ConfigError, match='judges by objectness'):
        check_scores(YOLOXHead(), 'model.heads.det')

    class Soft:
        num_classes, use_sigmoid_cls = 2, False

    with pytest.raises(ConfigError, match='has a softmax'):
        check_scores(Soft(), 'model.heads.det')
    with pytest.raises(ConfigError, match='levels of class scores'):
        score_map((torch.zeros(1, 2, 2, 2), ), 2, (2, 2), 'x')
