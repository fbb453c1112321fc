import pytest
import torch

from mmmultas.functional.boxes import xyxy_to_cxcywh
from mmmultas.functional.cell_boxes import encode_in_cells
from mmmultas.models.heads import TridentAnchorHead
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError

SMALL = dict(
    in_channels=(6, 4),
    in_strides=(8, 16),
    paths=((5, 3), ()),
    width=4,
    num_units=2,
    dropout=0.,
    anchors=((6, 8), (20, 22), (40, 50)))


def small(**kwargs):
    torch.manual_seed(0)
    head = TridentAnchorHead(3, **{**SMALL, **kwargs})
    head.init_weights()
    return head


def feats(count=2, side=64):
    return (torch.randn(count, 6, side // 8, side // 8),
            torch.randn(count, 4, side // 16, side // 16))


@pytest.fixture
def samples():
    return toy_batch(('det', ))['data_samples']


def test_size_is_the_papers():
    with torch.device('cpu'):
        head = TridentAnchorHead(3)
    assert sum(p.numel() for p in head.parameters()) == 7653960


def test_outputs_and_initial_scores():
    maps, = small()(feats())
    assert [tuple(x.shape) for x in maps] == [(2, 8, 4, 4)] * 3
    assert all((x[:, 4:].sigmoid() - .01).abs().max() < .02 for x in maps)


def test_loss_equals_its_sums_and_reaches_every_weight(samples):
    head, x = small(), feats(len(samples))
    losses = head.loss(x, samples)
    sums = head.loss_sums(x, samples)
    assert tuple(losses) == head.loss_terms
    assert all(term.count == len(samples) for term in sums.values())
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in head.parameters())
    by_box = small(normalizer='positive')
    terms = by_box.loss_sums(x, samples)
    boxes = sum(len(s.gt_instances) for s in samples)
    assert 0 < terms['loss_obj'].count <= boxes
    torch.testing.assert_close(terms['loss_wh'].total,
                               sums['loss_wh'].total)


@pytest.mark.parametrize('normalizer', ['image', 'positive'])
def test_no_boxes_at_all_is_finite(samples, normalizer):
    for sample in samples:
        sample.gt_instances = sample.gt_instances[:0]
    head = small(normalizer=normalizer)
    losses = head.loss(feats(len(samples)), samples)
    assert losses['loss_obj'] > 0
    assert losses['loss_cls'] == losses['loss_xy'] == losses['loss_wh'] == 0


def test_ignored_boxes_and_unasked_classes_are_no_background(samples):
    head, x = small(), feats(len(samples))
    for sample in samples:
        sample.gt_instances = sample.gt_instances[:0]
    maps, = head(x)
    gts = [s.gt_instances for s in samples]
    whole = head.loss_by_feat(maps, gts)['loss_obj'].total
    crowd = [torch.tensor([[0., 0., 64., 64.]])] + [
        torch.zeros(0, 4)] * (len(gts) - 1)
    assert head.loss_by_feat(maps, gts, crowd)['loss_obj'].total < whole
    unasked = torch.zeros(len(gts), 3, dtype=torch.bool)
    unasked[:, 1] = True
    assert head.loss_by_feat(
        maps, gts, None, unasked)['loss_obj'].total == 0


def test_what_is_learnt_is_predicted(samples):
    """Raw outputs that say the targets give the boxes back."""
    head = small()
    sample = samples[0]
    maps = [torch.full((1, 8, 4, 4), -20.) for _ in range(3)]
    anchors = head.anchors(maps)
    targets, positive, background = head._targets(
        anchors, 4, [sample.gt_instances], None, None)
    assert positive.sum() == len(targets) and not (
        positive & background).any()
    raw = head.flatten(maps)
    raw[positive] = torch.cat([
        targets[:, :2].logit(), targets[:, 2:4],
        torch.full((len(targets), 1), 20.), 40 * targets[:, 4:] - 20], 1)
    maps = [part.view(1, 4, 4, 8).permute(0, 3, 1, 2)
            for part in raw.chunk(3, 1)]
    meta = dict(img_shape=(64, 64), scale_factor=(1., 1.))
    found = head.predict_by_feat(maps, [meta])[0]
    truth = sample.gt_instances.bboxes
    order = torch.stack(
        [(found.bboxes - box).abs().sum(1).argmin() for box in truth])
    torch.testing.assert_close(
        found.bboxes[order], truth, rtol=1e-3, atol=1e-2)
    assert found.labels[order].equal(sample.gt_instances.labels)


def test_scales_train_their_own_branch():
    """A box moves the output layer of the branch of its size alone."""
    sample = toy_batch(('det', ))['data_samples'][0]
    for branch, size in enumerate((7., 21., 45.)):
        gt = sample.gt_instances[:1].clone()
        gt.bboxes = torch.tensor([[8., 8., 8. + size, 8. + size]])
        head = small()
        maps, = head(feats(1))
        sums = head.loss_by_feat(maps, [gt])
        sums['loss_wh'].total.backward()
        moved = [bool(net.weight.grad.any()) for net in head.pred]
        assert moved == [i == branch for i in range(3)]
        _, positive, _ = head._targets(head.anchors(maps), 4, [gt], None,
                                       None)
        index = positive[0].nonzero().item()
        code = encode_in_cells(
            head.anchors(maps).reshape(-1, 4)[[index]], gt.bboxes, 16)
        anchor = head.anchors(maps).reshape(-1, 4)[index]
        assert code[0, 2:].exp().mul(anchor[2:]).tolist() == pytest.approx(
            xyxy_to_cxcywh(gt.bboxes)[0, 2:].tolist())


@pytest.mark.parametrize('wrong, words', [
    (dict(paths=((), ())), 'too few to reach'),
    (dict(in_channels=(6, )), 'as many `in_channels`'),
    (dict(anchors=((6, 8), (20, 22))), '2 shapes'),
    (dict(normalizer='box'), "'image' or 'positive'"),
    (dict(num_units=0), 'is 1 or more'),
    (dict(test_cfg=dict(nms=1)), '`iou_threshold` here'),
])
def test_bad_settings(wrong, words):
    with pytest.raises(ConfigError, match=words):
        small(**wrong)


def test_another_number_of_levels():
    with pytest.raises(ConfigError, match='is given 1'):
        small()(feats()[:1])
