import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData

from mmmultas.models.companions import Plan
from mmmultas.models.companions.box_view import box_view
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

from .test_weak import META, companion

BOTH = ['weak.seg.loss_consistency', 'weak.det.loss_consistency']


def _model(update=99, **cfg):
    torch.manual_seed(0)
    model = MODELS.build(toy_model(companions=dict(
        weak=dict(type='mmmultas.ConsistencyTeacher', **cfg))))
    with torch.no_grad():
        model.heads['seg'].conv_seg.weight.normal_(std=3)
        for branch in model.heads['det'].cls_branches:
            branch[-1].weight.normal_()
    model.meet(META, 10, 100)
    model.meet_average(copy.deepcopy(model))
    model.set_update(update)
    return model.eval()


def _data(model, view=None):
    batches = dict(det=toy_batch(('det', ), 2),
                   seg=toy_batch(('seg', ), 2, seed=1),
                   none=toy_batch((), 1, seed=2))
    data = model.data_preprocessor(batches, True)
    for name, batch in batches.items():
        for image, sample in zip(batch['inputs'],
                                 data['data_samples'][name]):
            if view is not None:
                view(image, sample)
    return data


def _weak(model, data=None):
    found = model.loss(**(data or _data(model)))
    return {k: v for k, v in found.items() if 'weak' in k}


def _mirror(image, sample):
    sample.teacher_view = PixelData(data=image.flip(-1))
    sample.set_metainfo(dict(from_teacher=(-1., 0, 64, 0, 1, 0, 0, 0, 1)))


def _plain(image, sample):
    sample.teacher_view = PixelData(data=255 - image)
    sample.set_metainfo(dict(from_teacher=(1., 0, 0, 0, 1, 0, 0, 0, 1)))


@pytest.mark.parametrize('cfg', [
    {}, dict(box_form='hard', box_score=0.), dict(
        mask_score='mixture', free_mask_score=dict(top=.5), box_form='hard',
        box_score='mixture')])
def test_it_speaks_where_a_label_is_missing(cfg):
    model = _model(**cfg)
    losses = _weak(model)
    assert list(losses) == BOTH
    assert model.companions['weak'].terms(model) == [
        tuple(name.split('.', 1)) for name in BOTH]
    sum(losses.values()).backward()
    for task in ('det', 'seg'):
        grads = [p.grad for p in model.heads[task].parameters()
                 if p.grad is not None]
        assert grads and all(torch.isfinite(g).all() for g in grads)
    average = model.companions['weak'].average._model
    assert all(p.grad is None for p in average.parameters())


def test_burn_in_and_ramp():
    values = {update: _weak(_model(update, begin=.2, ramp=.1))
              for update in (19, 20, 24, 29, 60)}
    assert values[19] == {}
    full = values[60][BOTH[0]]
    for update, share in ((20, .1), (24, .5), (29, 1.)):
        torch.testing.assert_close(values[update][BOTH[0]], share * full)


def test_a_task_may_be_left_out():
    assert list(_weak(_model(boxes_weight=0))) == BOTH[:1]
    assert list(_weak(_model(masks_weight=0))) == BOTH[1:]
    one, two = (_weak(_model(weight=w)) for w in (1, 2))
    torch.testing.assert_close(two[BOTH[1]], 2 * one[BOTH[1]])


def test_a_mirrored_view_gives_the_labels_back():
    """A teacher that sees the mirror image of what it sees as it is."""
    model = _model(boxes_weight=0, mask_score=0., free_mask_score=0.)
    average = model.companions['weak'].average
    outputs = average.outputs
    plain = _weak(model)[BOTH[0]]
    average.outputs = lambda tasks, x: {
        k: v.flip(-1) for k, v in outputs(tasks, x.flip(-1)).items()}
    torch.testing.assert_close(_weak(model, _data(model, _mirror))[BOTH[0]],
                               plain)


def test_hard_boxes_of_a_mirrored_view():
    model = _model(masks_weight=0, box_form='hard', box_score=0.)
    assert _weak(model, _data(model, _mirror))[BOTH[1]] > 0
    assert model.companions['weak'].same_view == []
    soft = _model(masks_weight=0)
    assert soft.companions['weak'].same_view == ['det']
    assert _model(boxes_weight=0).companions['weak'].same_view == []
    with pytest.raises(ConfigError, match="box_form='soft'` compares anchors "
                                          'at one place'):
        _weak(soft, _data(soft, _mirror))


def test_the_teacher_sees_the_plain_picture():
    model = _model()
    seen = []
    average = model.companions['weak'].average
    outputs = average.outputs
    average.outputs = lambda tasks, x: seen.append(x) or outputs(tasks, x)
    data = _data(model, _plain)
    _weak(model, data)
    inputs = data['inputs']
    assert len(seen) == 3
    torch.testing.assert_close(
        seen[0] + inputs['det'],
        model.data_preprocessor(dict(inputs=[
            torch.full((3, 64, 64), 255, dtype=torch.uint8)] * 2,
            data_samples=None))['inputs'] + model.data_preprocessor(dict(
                inputs=[torch.zeros(3, 64, 64, dtype=torch.uint8)] * 2,
                data_samples=None))['inputs'])


def test_boxes_say_what_a_pixel_may_be():
    """Outside of boxes the label is background, whatever is predicted."""
    model = _model(boxes_weight=0)
    weak = model.companions['weak']
    sample = _data(model)['data_samples']['det'][0]
    theirs = torch.zeros(3, 16, 16)
    theirs[2] = 20
    weak._heard = {name: [] for name in weak.limits}

    class Update:
        pass

    Update.model = model
    label, seen = weak._pixels(Update, sample, 'seg', theirs, theirs,
                               torch.ones(16, 16, dtype=torch.bool))
    boxes = sample.gt_instances
    inside = torch.zeros(16, 16, dtype=torch.bool)
    for (x1, y1, x2, y2), c in zip(boxes.bboxes.tolist(),
                                   boxes.labels.tolist()):
        if c == 1:
            inside[round(y1 / 4 - .01):round(y2 / 4 + .01),
                   round(x1 / 4 - .01):round(x2 / 4 + .01)] = True
    assert seen.all() and (label[label != 255][~inside[label != 255]]
                           == 0).all()
    assert (label == 2).any() == bool((boxes.labels == 1).any())


@pytest.mark.parametrize('rule', ['mixture', dict(top=.5)])
def test_cells_of_one_allowed_class_leave_limits_alone(rule):
    """They are sure by the boxes: the others compete among themselves."""
    model = _model(boxes_weight=0, mask_score=rule)
    weak = model.companions['weak']
    weak._heard = {name: [] for name in weak.limits}
    sample = _data(model)['data_samples']['det'][0]
    pair, = weak.pairs
    scores = torch.randn(3, 16, 16)
    allowed = box_view(sample, pair, scores).allowed
    one = allowed.sum(0) == 1
    assert one.any() and not one.all()
    label, _ = weak._pixels(SimpleNamespace(model=model), sample, 'seg',
                            scores, scores, torch.ones_like(one))
    heard, = weak._heard['mask_score_seg']
    assert len(heard[0]) == (~one).sum() and (heard[0] < 1).all()
    assert (label[one] == 0).all()
    if rule != 'mixture':
        kept = (label != 255) & ~one
        assert kept.sum() == int(.5 * (~one).sum() + .5)


def test_thresholds_go_along():
    model = _model(mask_score='mixture')
    for _ in range(3):
        _weak(model)
    weak = model.companions['weak']
    limits = weak.limits['mask_score_seg'].limits
    assert (limits != .7).any()
    other = _model(mask_score='mixture').companions['weak']
    other.load_extra_state(weak.extra_state())
    assert torch.equal(other.limits['mask_score_seg'].limits, limits)
    with pytest.raises(ConfigError, match='with another'):
        other.load_extra_state({})


def test_what_does_not_fit():
    for cfg, message in ((dict(box_form='sharp'), "'soft' or 'hard'"),
                         (dict(mask_score='max'), 'mixture'),
                         (dict(begin=2), '1 or less')):
        with pytest.raises(ConfigError, match=message):
            companion('ConsistencyTeacher', **cfg)
    one = companion('ConsistencyTeacher')
    with pytest.raises(ConfigError, match='no hook keeps one'):
        one.meet_average(None)
    assert one.mute_losses([('det', ), ('det', 'seg')]) == {}
    (key, why), = one.mute_losses([('det', 'seg')]).items()
    assert 'every image' in why and key == 'model.companions.weak'


def test_heads_that_cannot_be_taught_so():
    head = dict(type='RetinaHead', num_classes=2, in_channels=8,
                feat_channels=8, stacked_convs=1, anchor_generator=dict(
                    type='AnchorGenerator', octave_base_scale=4,
                    scales_per_octave=1, ratios=[1.], strides=[8, 16]))

    def build(**cfg):
        toy = toy_model(companions=dict(
            weak=dict(type='mmmultas.ConsistencyTeacher', **cfg)))
        toy['heads']['det'] = dict(head)
        return MODELS.build(toy)

    with pytest.raises(ConfigError, match="box_form='hard'` wants .*Retina"):
        build(box_form='hard').prepare()
    model = build()
    model.heads['seg'].loss_decode.use_sigmoid = True
    with pytest.raises(ConfigError, match='use_sigmoid=True'):
        model.prepare()
    model = build()  # its scores can be compared all the same
    model.meet(META, 1, 10)
    model.meet_average(copy.deepcopy(model))
    model.set_update(9)
    data = _data(model)
    for part in data.values():  # its own losses would want a `train_cfg`
        del part['det']
    assert set(_weak(model.eval(), data)) == set(BOTH)


def test_plan_is_kept():
    one = companion('ConsistencyTeacher')
    one.meet(Plan(META, 3, 30))
    assert one.factor() == 0
    one.set_update(29)
    assert one.factor() == 1


def test_a_share_of_the_images_is_taught():
    def both(**cfg):
        model = _model(masks_weight=1., boxes_weight=2., **cfg)
        data = _data(model)
        if not cfg:  # what a share of one half leaves, rounded up
            for name in ('det', 'seg'):
                for part in ('inputs', 'data_samples'):
                    data[part][name] = data[part][name][:1]
        return _weak(model, data)

    half, first = both(share=.5), both()
    assert list(half) == BOTH
    for name in BOTH:
        torch.testing.assert_close(half[name], first[name])
    # second views are taught where heads learn from them
    batch = toy_batch(('det', ), 3)['data_samples']
    batch[1].set_metainfo(dict(supervised=False))
    assert companion('ConsistencyTeacher')._chosen(batch, 'seg') == [0, 2]
    with pytest.raises(ConfigError, match='share` is 0'):
        _model(share=0)
