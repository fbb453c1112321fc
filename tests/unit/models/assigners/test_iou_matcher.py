import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.models.assigners import IoUMatcher
from mmmultas.utils.errors import ConfigError

#: overlaps with the box below: 1 (forced), 0.45, 0
ANCHORS = torch.tensor([[0., 0., 10., 10.], [0., 0., 10., 4.5],
                        [50., 50., 60., 60.]])
GT = InstanceData(
    bboxes=torch.tensor([[0., 0., 10., 10.]]), labels=torch.tensor([1]))


def test_matched_class_rule_ignores_one_entry():
    targets = IoUMatcher().assign(ANCHORS, GT, 3)
    assert targets.positive.tolist() == [True, False, False]
    assert targets.cls_target[0].tolist() == [0, 1, 0]
    assert targets.cls_ignore.nonzero().tolist() == [[1, 1]]
    assert torch.equal(targets.boxes, GT.bboxes)


def test_anchor_rule_ignores_the_whole_anchor():
    targets = IoUMatcher(ignore='anchor').assign(ANCHORS, GT, 3)
    assert targets.cls_ignore.nonzero().tolist() == [[1, 0], [1, 1], [1, 2]]


def test_no_boxes_make_negatives():
    empty = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    targets = IoUMatcher().assign(ANCHORS, empty, 3)
    assert not targets.positive.any() and not targets.cls_target.any()
    assert targets.cls_ignore is None and targets.boxes.shape == (0, 4)


def test_errors_name_the_argument():
    with pytest.raises(ConfigError, match='neg_iou=0.6'):
        IoUMatcher(pos_iou=0.5, neg_iou=0.6)
    with pytest.raises(ConfigError, match="'none'"):
        IoUMatcher(ignore='none')
