import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.models.assigners import MutualGuideMatcher
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

ANCHORS = torch.tensor([[0., 0., 8., 8.], [8., 0., 16., 8.],
                        [0., 8., 8., 16.]])


def _gt(boxes, labels):
    return InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64))


def test_predictions_decide():
    gt = _gt([[0., 0., 8., 6.]], [2])
    # the second anchor predicts the box best, the first overlaps it
    boxes = torch.tensor([[0., 0., 8., 2.], [0., 0., 8., 6.],
                          [20., 20., 30., 30.]])
    logits = torch.full((3, 4), -9.)
    targets = MutualGuideMatcher(num_top=1).assign(ANCHORS, gt, 4, logits,
                                                   boxes)
    assert targets.cls_target.nonzero().tolist() == [[1, 2]]
    assert targets.cls_target[1, 2] == pytest.approx(1)
    assert targets.positive.tolist() == [True, False, False]
    assert targets.box_weight.tolist() == pytest.approx([0.75], abs=1e-3)
    assert targets.boxes.tolist() == [[0, 0, 8, 6]]
    assert targets.cls_ignore is None


def test_no_box_makes_negatives():
    targets = MutualGuideMatcher().assign(
        ANCHORS, _gt([], []), 4, torch.zeros(3, 4), torch.zeros(3, 4))
    assert not targets.positive.any() and not targets.cls_target.any()
    assert targets.boxes.shape == (0, 4)


def test_no_place_to_start_from():
    with pytest.raises(ConfigError, match='num_top'):
        MutualGuideMatcher(0)


@pytest.mark.parametrize('loss', ['FocalLoss', 'QualityFocalLoss'])
def test_a_head_learns_with_it(loss):
    cfg = toy_model(['det'])
    cfg['heads']['det'].update(
        assigner=dict(type='mmmultas.MutualGuideMatcher'),
        loss_cls=dict(type=f'mmmultas.{loss}'))
    model = MODELS.build(cfg)
    batch = model.data_preprocessor(toy_batch(('det', )), training=True)
    losses = model(**batch, mode='loss')
    sum(losses.values()).backward()
    assert all(float(v) > 0 for v in losses.values())
    head = model.heads['det']
    assert any(p.grad.abs().sum() > 0 for p in head.reg_branches.parameters())
