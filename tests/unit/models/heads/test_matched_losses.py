from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import InstanceData
from naive_losses import quality_focal

from mmmultas.functional.boxes import decode_boxes, encode_boxes
from mmmultas.models.assigners import IoUMatcher, MutualGuideMatcher
from mmmultas.models.heads.matched_losses import (build_matcher,
                                                  matched_losses, sum_loss)
from mmmultas.models.losses import BalancedL1Loss, QualityFocalLoss
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

ANCHORS = torch.tensor([[0., 0., 8., 8.], [8., 0., 16., 8.],
                        [0., 8., 8., 16.], [8., 8., 16., 16.]])


def _sums(assigner, logits, deltas, valid=None, anchors=ANCHORS,
          unasked=None):
    head = SimpleNamespace(
        assigner=assigner, loss_cls=QualityFocalLoss(),
        loss_bbox=BalancedL1Loss())
    gts = [InstanceData(
        bboxes=torch.tensor([[0., 0., 8., 7.]]), labels=torch.tensor([1]))
           for _ in logits]
    return matched_losses(head, anchors, logits, deltas, gts, encode_boxes,
                          decode_boxes, valid, unasked=unasked)


@pytest.mark.parametrize('assigner', [IoUMatcher(), MutualGuideMatcher()])
def test_anchors_that_are_not_valid_are_as_if_they_were_not_there(assigner):
    logits = torch.randn(2, 4, 3)
    deltas = torch.randn(2, 4, 4)
    valid = torch.tensor([[True, True, True, False]] * 2)
    found = _sums(assigner, logits, deltas, valid)
    want = _sums(assigner, logits[:, :3], deltas[:, :3], anchors=ANCHORS[:3])
    for name, term in want.items():
        torch.testing.assert_close(found[name].total, term.total)
        torch.testing.assert_close(found[name].count, term.count)
    every = _sums(assigner, logits, deltas)
    assert every['loss_cls'].total > found['loss_cls'].total


def test_boxes_are_decoded_for_those_who_look_at_them():
    def refuse(*_):
        raise AssertionError

    head = SimpleNamespace(
        assigner=IoUMatcher(), loss_cls=QualityFocalLoss(),
        loss_bbox=BalancedL1Loss())
    gts = [InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.int64))]
    outputs = torch.zeros(1, 4, 3), torch.zeros(1, 4, 4)
    sums = matched_losses(head, ANCHORS, *outputs, gts, encode_boxes, refuse)
    assert sums['loss_bbox'].count == 0
    head.assigner = MutualGuideMatcher()
    with pytest.raises(AssertionError):
        matched_losses(head, ANCHORS, *outputs, gts, encode_boxes, refuse)


def test_loss_is_built():
    assert isinstance(sum_loss(None, 'BalancedL1Loss'), BalancedL1Loss)
    assert sum_loss(dict(beta=3.0), 'QualityFocalLoss').beta == 3
    with pytest.raises(ConfigError, match='returns a mean: use'):
        with MODELS.switch_scope_and_registry('mmdet'):
            sum_loss(dict(type='mmdet.L1Loss'), 'BalancedL1Loss')


def test_matcher_is_built():
    assert isinstance(build_matcher(None), IoUMatcher)
    found = build_matcher(dict(type='mmmultas.MutualGuideMatcher', num_top=3))
    assert found.num_top == 3
    with pytest.raises(ConfigError, match='MaxIoUAssigner. is no matcher'):
        build_matcher(dict(type='mmdet.MaxIoUAssigner', pos_iou_thr=0.5,
                           neg_iou_thr=0.4))


def _of(gts, ignored=None, per_place=2, logits=None):
    head = SimpleNamespace(
        assigner=IoUMatcher(), loss_cls=QualityFocalLoss(),
        loss_bbox=BalancedL1Loss())
    gts = [InstanceData(bboxes=torch.tensor(boxes).reshape(-1, 4),
                        labels=torch.zeros(len(boxes)).long())
           for boxes in gts]
    if logits is None:
        logits = torch.zeros(len(gts), 4, 3)
    return matched_losses(head, ANCHORS, logits, torch.zeros(len(gts), 4, 4),
                          gts, encode_boxes, decode_boxes, ignored=ignored,
                          per_place=per_place)


def test_images_without_objects_divide_by_their_places():
    sums = _of([[], []])['loss_cls']
    assert sums.count == 0 and sums.empty == 4
    assert sums.mean() == sums.total / 4
    some = _of([[], [[0., 0., 8., 8.]]])['loss_cls']
    assert some.mean() == some.total  # one positive: the reference's rule


def test_anchors_in_a_crowd_take_no_part():
    crowd = torch.tensor([[0., 0., 16., 7.]])
    none = torch.zeros(0, 4)
    logits = torch.zeros(1, 4, 3, requires_grad=True)
    _of([[]], [crowd], logits=logits)['loss_cls'].total.backward()
    moved = logits.grad[0].abs().sum(1) > 0
    assert moved.tolist() == [False, False, True, True]
    # an object in it is learnt all the same
    logits = torch.zeros(1, 4, 3, requires_grad=True)
    box = [[0., 0., 8., 8.]]
    _of([box], [crowd], logits=logits)['loss_cls'].total.backward()
    moved = logits.grad[0].abs().sum(1) > 0
    assert moved.tolist() == [True, False, True, True]
    same = _of([box]), _of([box], [none])
    assert torch.equal(*(x['loss_cls'].total for x in same))


@pytest.mark.parametrize('assigner', [IoUMatcher(), MutualGuideMatcher()])
def test_no_anchor_is_wrong_about_classes_that_nobody_looked_for(assigner):
    """The naive loss of the others, the boxes and counts of all."""
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3, requires_grad=True)
    deltas = torch.randn(2, 4, 4)
    unasked = torch.tensor([[True, False, False], [False] * 3])
    whole = _sums(assigner, logits, deltas)
    part = _sums(assigner, logits, deltas, unasked=unasked)
    for name in whole:
        assert torch.equal(part[name].count, whole[name].count)
    assert torch.equal(part['loss_bbox'].total, whole['loss_bbox'].total)
    lost = quality_focal(logits[0, :, :1].tolist(), [[0.0]] * 4)
    assert part['loss_cls'].total.item() == pytest.approx(
        whole['loss_cls'].total.item() - 2 * lost, abs=1e-4)
    part['loss_cls'].total.backward()
    assert logits.grad[0, :, 0].eq(0).all()
    assert logits.grad[1, :, 0].ne(0).all()
