import math

import pytest
import torch
from mmengine.structures import InstanceData

from mmmultas.functional.boxes import encode_boxes
from mmmultas.models.heads import MultiLevelAnchorHead
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError


def _head(**kwargs):
    head = MultiLevelAnchorHead(
        2,
        in_channels=4,
        stacked_convs=1,
        anchors=dict(
            type='mmmultas.AnchorGrid', strides=[8, 16], base_size=16),
        **kwargs)
    head.init_weights()
    return head


def _feats(count=2, side=64):
    return (torch.randn(count, 4, side // 8, side // 8),
            torch.randn(count, 4, side // 16, side // 16))


def test_initial_scores_are_one_in_a_hundred():
    head = _head()
    scores, boxes = head(_feats())
    assert all((s.sigmoid() - 0.01).abs().max() < 0.01 for s in scores)
    assert head.cls_branches[0][-1].bias[0].item() == pytest.approx(
        -math.log(99))
    assert boxes[1].shape == (2, 24, 4, 4)


def test_levels_do_not_share_weights():
    head = _head()
    ids = {id(p) for branch in head.cls_branches for p in branch.parameters()}
    assert len(ids) == sum(1 for branch in head.cls_branches
                           for _ in branch.parameters())


def test_loss_equals_its_sums_and_reaches_every_weight():
    head, feats = _head(), _feats()
    samples = toy_batch(('det', ))['data_samples']
    losses = head.loss(feats, samples)
    sums = head.loss_sums(feats, samples)
    assert set(losses) == set(head.loss_terms) == {'loss_cls', 'loss_bbox'}
    for name, loss in losses.items():
        torch.testing.assert_close(loss, sums[name].mean())
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in head.parameters())


def test_no_boxes_at_all_is_finite():
    samples = toy_batch(('det', ))['data_samples']
    for sample in samples:
        sample.gt_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    losses = _head().loss(_feats(), samples)
    assert losses['loss_bbox'] == 0 and losses['loss_cls'] > 0


def _perfect(head, box, label, side=64):
    """Raw outputs that put full score on one box's best anchor."""
    sizes = [(side // s, side // s) for s in (8, 16)]
    anchors = head.anchors.grid(sizes, torch.device('cpu'))
    deltas = encode_boxes(anchors, box.expand(len(anchors), 4))
    scores = torch.full((len(anchors), 2), -9.)
    scores[:40, label] = 4.
    levels, start = [], 0
    for h, w in sizes:
        stop = start + h * w * 6
        for flat, out in ((scores, 12), (deltas, 24)):
            levels.append(flat[start:stop].reshape(1, h, w, out).permute(
                0, 3, 1, 2))
        start = stop
    return levels[0::2], levels[1::2]


@pytest.mark.parametrize('agnostic', [False, True])
def test_predict_decodes_suppresses_and_rescales(agnostic):
    head = _head(test_cfg=dict(class_agnostic=agnostic))
    box = torch.tensor([[10., 12., 40., 50.]])
    meta = dict(img_shape=(64, 64), scale_factor=(0.5, 0.25))
    found, = head.predict_by_feat(
        *_perfect(head, box, 1), [meta], rescale=True)
    assert len(found) == 1 and found.labels.tolist() == [1]
    torch.testing.assert_close(found.bboxes,
                               torch.tensor([[20., 48., 80., 200.]]))
    assert found.scores[0] == pytest.approx(torch.tensor(4.).sigmoid())


def test_class_agnostic_gives_every_class_of_a_kept_box():
    head = _head(test_cfg=dict(class_agnostic=True))
    scores, deltas = _perfect(head, torch.tensor([[10., 12., 40., 50.]]), 1)
    # class 0 of the same anchors comes second
    scores[0].view(1, 6, 2, 8, 8)[:, :, 0] = 1.0
    meta = dict(img_shape=(64, 64), scale_factor=(1., 1.))
    found, = head.predict_by_feat(scores, deltas, [meta])
    assert found.labels.tolist() == [1, 0]
    assert torch.equal(found.bboxes[0], found.bboxes[1])


def test_nothing_over_the_threshold():
    meta = dict(img_shape=(64, 64), scale_factor=(1., 1.))
    found = _head().predict_by_feat(*_head()(_feats()), [meta, meta])
    assert [len(x) for x in found] == [0, 0]


def test_wrong_number_of_levels():
    with pytest.raises(ConfigError, match='num_levels'):
        _head()(_feats()[:1])


@pytest.mark.parametrize('key, words', [
    ('nms', 'the threshold of `nms` is `iou_threshold`'),
    ('max_per_image', "it has .*'max_per_img'"),
])
def test_settings_that_would_change_nothing(key, words):
    with pytest.raises(ConfigError, match=words):
        MultiLevelAnchorHead(3, 8, test_cfg={key: 1})


def test_images_without_objects_and_crowds():
    """Two images, six anchors of one place; a crowd that hides them all."""
    head = _head()
    samples = toy_batch(('det', ))['data_samples']
    for sample in samples:
        sample.gt_instances = sample.gt_instances[:0]
    term = head.loss_sums(_feats(), samples)['loss_cls']
    assert term.mean() == term.total / 12
    for sample in samples:
        sample.ignored_instances = InstanceData(
            bboxes=torch.tensor([[-500., -500., 500., 500.]]),
            labels=torch.tensor([0]))
    assert head.loss_sums(_feats(), samples)['loss_cls'].total == 0
