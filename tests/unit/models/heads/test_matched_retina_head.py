import pytest
import torch
from mmdet.models.dense_heads import ATSSHead

from mmmultas.models.heads import (MatchedAnchorHeadMixin, MatchedRetinaHead,
                                   MatchedRetinaSepBNHead,
                                   MultiLevelAnchorHead)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

STRIDES = [8, 16]
RETINA = dict(
    num_classes=2,
    in_channels=4,
    stacked_convs=1,
    anchor_generator=dict(
        type='AnchorGenerator',
        octave_base_scale=2,
        scales_per_octave=1,
        ratios=[1.0, 2.0, 0.5],
        strides=STRIDES,
        center_offset=0.5),
    bbox_coder=dict(
        type='DeltaXYWHBBoxCoder',
        target_means=[0.0] * 4,
        target_stds=[0.1, 0.1, 0.2, 0.2]))
LEARNING = [
    dict(),
    dict(assigner=dict(type='mmmultas.IoUMatcher', ignore='anchor')),
    dict(assigner=dict(type='mmmultas.MutualGuideMatcher')),
    dict(
        assigner=dict(type='mmmultas.MutualGuideMatcher'),
        loss_cls=dict(type='mmmultas.QualityFocalLoss'),
        loss_bbox=dict(beta=0.2)),
]


class _SameAnchors:
    """The anchors of MMDetection's generator, for our head."""
    strides, num_base_anchors = STRIDES, 3

    def __init__(self, generator):
        self.generator = generator

    def grid(self, sizes, device):
        return torch.cat(self.generator.grid_priors(sizes, device=device))


def _samples():
    return toy_batch(('det', ))['data_samples']


def _outputs(seed=0, side=64):
    torch.manual_seed(seed)
    return tuple([
        torch.randn(2, 3 * n, side // s, side // s) for s in STRIDES
    ] for n in (2, 4))


@pytest.mark.parametrize('learning', LEARNING, ids=str)
def test_learns_as_the_head_of_the_papers(learning):
    """The same anchors and outputs, the same sums."""
    ours = MultiLevelAnchorHead(2, in_channels=4, stacked_convs=1, **learning)
    stock = MatchedRetinaHead(**RETINA, **learning)
    ours.anchors = _SameAnchors(stock.prior_generator)
    scores, boxes = _outputs()
    samples = _samples()
    gts = [sample.gt_instances for sample in samples]
    want = ours.loss_by_feat(scores, boxes, gts)
    found = stock.loss_by_feat(scores, boxes, gts,
                               [sample.metainfo for sample in samples])
    for name in stock.loss_terms:
        assert float(found[name]) > 0
        torch.testing.assert_close(found[name], want[name].mean())


@pytest.mark.parametrize('learning', LEARNING, ids=str)
def test_anchors_over_the_padding_take_no_part(learning):
    """Padded on the right and below: the sums are those of the image."""
    head = MatchedRetinaHead(**RETINA, **learning)
    scores, boxes = _outputs()
    samples = _samples()
    gts = [sample.gt_instances for sample in samples]
    metas = [sample.metainfo for sample in samples]
    want = head.loss_by_feat(scores, boxes, gts, metas)
    wider = [[torch.nn.functional.pad(x, (0, 32 // s, 0, 32 // s), value=9.)
              for x, s in zip(levels, STRIDES)] for levels in (scores, boxes)]
    found = head.loss_by_feat(
        *wider, gts, [dict(m, pad_shape=(64, 64)) for m in metas])
    for name in head.loss_terms:
        torch.testing.assert_close(found[name], want[name])
    counted = head.loss_by_feat(
        *wider, gts, [dict(m, pad_shape=(96, 96)) for m in metas])
    assert counted['loss_cls'] > found['loss_cls'] + 1


@pytest.mark.parametrize('kind', ['MatchedRetinaHead',
                                  'MatchedRetinaSepBNHead'])
def test_a_joint_model_learns_with_it(kind):
    cfg = toy_model(['det', 'seg'])
    cfg['heads']['det'] = dict(
        RETINA, type=f'mmmultas.{kind}',
        num_classes=cfg['heads']['det']['num_classes'],
        in_channels=cfg['heads']['det']['in_channels'],
        **LEARNING[3], **(dict(num_ins=2) if 'Sep' in kind else {}))
    model = MODELS.build(cfg)
    batch = model.data_preprocessor(toy_batch(('det', )), training=True)
    losses = model(**batch, mode='loss')
    assert {'det.loss_cls', 'det.loss_bbox'} <= set(losses)
    sum(losses.values()).backward()
    head = model.heads['det']
    assert all(p.grad is not None and p.grad.abs().sum() > 0
               for p in (head.retina_cls.weight, head.retina_reg.weight))


def test_a_trained_head_of_mmdetection_goes_on():
    from mmdet.models.dense_heads import RetinaHead
    stock = RetinaHead(**RETINA)
    ours = MatchedRetinaHead(**RETINA)
    ours.load_state_dict(stock.state_dict())
    feats = [torch.randn(1, 4, 64 // s, 64 // s) for s in STRIDES]
    for a, b in zip(stock(feats), ours(feats)):
        for x, y in zip(a, b):
            assert torch.equal(x, y)


def test_mutual_guidance_reads_the_boxes_of_the_coder():
    """An anchor far from the box learns its class if it predicts it."""
    head = MatchedRetinaHead(**RETINA, **LEARNING[2])
    scores, boxes = _outputs()
    samples = _samples()[:1]
    gts = [sample.gt_instances[:1] for sample in samples]
    metas = [sample.metainfo for sample in samples]
    scores, boxes = ([x[:1].zero_() for x in part]
                     for part in (scores, boxes))
    before = head.loss_by_feat(scores, boxes, gts, metas)
    anchor = head.prior_generator.grid_priors([(8, 8), (4, 4)],
                                              device='cpu')[0][0]
    target = head.bbox_coder.encode(anchor[None], gts[0].bboxes)
    boxes[0][0, :4, 0, 0] = target[0]
    scores[0][0, int(gts[0].labels[0]), 0, 0] = -9.
    after = head.loss_by_feat(scores, boxes, gts, metas)
    assert after['loss_cls'] > before['loss_cls']


@pytest.mark.parametrize('options, message', [
    (dict(train_cfg=dict(assigner=dict(type='MaxIoUAssigner'))),
     'reads no `train_cfg`'),
    (dict(train_cfg=dict(allowed_border=0)), 'reads no `train_cfg`'),
    (dict(assigner=dict(type='mmdet.MaxIoUAssigner', pos_iou_thr=0.5,
                        neg_iou_thr=0.4)), 'MaxIoUAssigner. is no matcher'),
    (dict(reg_decoded_bbox=True), 'learns raw boxes'),
    (dict(loss_cls=dict(type='mmdet.FocalLoss')), 'returns a mean'),
    (dict(loss_bbox=dict(type='mmdet.L1Loss')), "use 'mmmultas.BalancedL1"),
])
def test_errors(options, message):
    with pytest.raises(ConfigError, match=message):
        MatchedRetinaHead(**RETINA, **options)


def test_separate_norms_are_those_of_mmdetection():
    head = MatchedRetinaSepBNHead(num_ins=2, **RETINA)
    feats = [torch.randn(2, 4, 64 // s, 64 // s) for s in STRIDES]
    losses = head.loss(feats, _samples())
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_a_head_of_other_outputs():
    class Head(MatchedAnchorHeadMixin, ATSSHead):
        pass

    cfg = {k: v for k, v in RETINA.items() if k != 'anchor_generator'}
    head = Head(
        anchor_generator=dict(
            type='AnchorGenerator', ratios=[1.0], octave_base_scale=8,
            scales_per_octave=1, strides=STRIDES), **cfg)
    feats = [torch.randn(2, 4, 64 // s, 64 // s) for s in STRIDES]
    with pytest.raises(ConfigError, match='Head gives 3 outputs'):
        head.loss(feats, _samples())
