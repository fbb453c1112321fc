import naive_distillation as naive
import naive_losses
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.models.losses.distillation import (DeFeat, FeatureMSE,
                                                 PDFDistill, SegmentationKL,
                                                 SoftDetection, flat_boxes,
                                                 flat_levels, ramp)
from mmmultas.utils.errors import ConfigError

SIDES, SIZE, CLASSES = (4, 2), 32, 3


def _levels(channels, seed, count=2):
    draw = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, channels, s, s, generator=draw) for s in SIDES
    ]


def _outputs(seed, anchors=2):
    return _levels(anchors * CLASSES, seed), _levels(anchors * 4, seed + 1)


def _samples(*boxes):
    samples = []
    for some in boxes:
        sample = DetDataSample(
            metainfo=dict(batch_input_shape=(SIZE, SIZE), tasks=('det', )))
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor(some).reshape(-1, 4))
        samples.append(sample)
    return samples


def _nested(levels):
    """Images of levels as lists."""
    return [[level[i].tolist() for level in levels]
            for i in range(len(levels[0]))]


def _means(sums):
    return {name: float(term.mean()) for name, term in sums.items()}


BOXES = [[[0., 0., 12., 12.]], [[9., 1., 31., 15.], [4., 20., 4., 20.]]]
# name → loss and its arguments, by seed of the student and of the teacher
CASES = dict(
    mse=(FeatureMSE(5.0), lambda s, t: (_levels(6, s), _levels(6, t))),
    pdf=(PDFDistill(), lambda s, t:
         (_levels(6, s), _levels(6, t), _outputs(s), _outputs(t))),
    defeat=(DeFeat(), lambda s, t:
            (_levels(6, s), _levels(6, t), _samples(*BOXES))),
    soft=(SoftDetection(), lambda s, t: (_outputs(s), _outputs(t))),
    kl=(SegmentationKL(), lambda s, t: (_levels(6, s)[0], _levels(6, t)[0])))


def test_mse_is_that_of_the_loop():
    loss, make = CASES['mse']
    ours, theirs = make(1, 2)
    assert _means(loss(ours, theirs))[''] == pytest.approx(
        naive.feature_mse(_nested(ours), _nested(theirs)), rel=1e-5)
    assert loss.factor(0) == 5.0


def test_pdf_is_that_of_the_loop():
    loss, make = CASES['pdf']
    ours, theirs, our_out, their_out = make(1, 5)
    want = naive.pdf([_nested(ours), _nested(theirs)],
                     [_nested(our_out[0]), _nested(their_out[0])],
                     [_nested(our_out[1]), _nested(their_out[1])], CLASSES)
    got = _means(loss(ours, theirs, our_out, their_out))
    assert got == pytest.approx(
        dict(_feature=5 * want[0], _cls=want[1], _box=want[2]), rel=1e-5)


@pytest.mark.parametrize('per_channel', [False, True])
def test_defeat_is_that_of_the_loop(per_channel):
    ours, theirs, samples = CASES['defeat'][1](1, 2)
    want = naive.defeat(_nested(ours), _nested(theirs), BOXES, (8, 16))
    got = _means(
        DeFeat(fg_weight=3, bg_weight=12, per_channel=per_channel)(
            ours, theirs, samples))
    scale = 6 if per_channel else 1
    assert got == pytest.approx(
        dict(_fg=3 * want[0] / scale, _bg=12 * want[1] / scale), rel=1e-5)


def test_defeat_counts_images():
    loss, make = CASES['defeat']
    ours, theirs, samples = make(1, 2)
    terms = loss(ours, theirs, samples)
    assert all(float(term.count) == 2 for term in terms.values())
    empty = loss(ours, theirs, _samples([], []))
    assert float(empty['_fg'].total) == 0 < float(empty['_bg'].total)


def test_defeat_on_a_pyramid_that_is_no_square():
    x = torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 1, 2)
    y = [torch.arange(8.).reshape(1, 1, 2, 4), torch.zeros(1, 1, 1, 2)]
    sample = _samples([[17., 0., 32., 7.]])
    sample[0].set_metainfo(dict(batch_input_shape=(16, 32)))
    # two centres of the first row, (20, 4) and (28, 4): values 2 and 3
    terms = DeFeat()(x, y, sample)
    assert float(terms['_fg'].mean()) == pytest.approx((4 + 9) / 4)


def test_soft_labels_are_those_of_the_loop():
    loss, make = CASES['soft']
    ours, theirs = make(1, 5)
    got = _means(loss(ours, theirs))
    scores = naive.soft_scores(_nested(ours[0]), _nested(theirs[0]), CLASSES)
    assert got['_cls'] == pytest.approx(5e3 * scores, rel=1e-5)
    total = count = 0
    for a, b in zip(_nested(ours[1]), _nested(theirs[1])):
        for row, other in zip(naive.box_rows(a), naive.box_rows(b)):
            total += naive_losses.balanced_l1(row, other)
            count += 4
    assert got['_box'] == pytest.approx(total / count, rel=1e-5)


@pytest.mark.parametrize('temperature', [1.0, 4.0])
def test_kl_is_that_of_torch(temperature):
    ours, theirs = CASES['kl'][1](1, 2)
    want = torch.nn.functional.kl_div(
        (ours / temperature).log_softmax(1), (theirs / temperature).softmax(1),
        reduction='sum') / ours[:, 0].numel() * temperature**2
    got = SegmentationKL(temperature=temperature)(ours, theirs)['']
    torch.testing.assert_close(got.mean(), want)
    assert float(got.count) == ours[:, 0].numel()


@pytest.mark.parametrize('name', sorted(set(CASES) - {'soft'}))
def test_nothing_to_learn_from_oneself(name):
    loss, make = CASES[name]
    assert _means(loss(*make(3, 3))) == pytest.approx(
        dict.fromkeys(loss.terms, 0), abs=1e-6)


def test_soft_labels_pull_nowhere_at_the_same_scores():
    ours, theirs = CASES['soft'][1](3, 3)
    assert float(SoftDetection()(ours, theirs)['_box'].total) == 0
    for score in (-30., 30.):  # nothing is left where both are certain
        same = [torch.full((1, 6, 1, 1), score)], [torch.zeros(1, 8, 1, 1)]
        assert float(
            SoftDetection()(same, same)['_cls'].mean()) == pytest.approx(
                0, abs=1e-6)


def _leaves(value):
    if isinstance(value, torch.Tensor):
        return [value.requires_grad_()]
    return [] if isinstance(value, DetDataSample) else [
        leaf for part in value for leaf in _leaves(part)
    ]


@pytest.mark.parametrize('name', CASES)
def test_the_student_alone_learns(name):
    loss, make = CASES[name]
    given = make(1, 5)
    # arguments come in pairs, the student's first
    sides = _leaves(given[::2]), _leaves(given[1::2])
    sum(t.total for t in loss(*given).values()).backward()
    assert all(x.grad is not None and x.grad.abs().sum() > 0
               for x in sides[0])
    assert all(x.grad is None for x in sides[1])


@pytest.mark.parametrize('name', sorted(set(CASES) - {'defeat'}))
def test_two_halves_are_one_batch(name):
    """Except of DeFeat, whose terms are means of their batch."""
    loss, make = CASES[name]
    given = make(1, 5)

    def half(value, i):
        if isinstance(value, torch.Tensor):
            return value[i:i + 1]
        return [half(part, i) for part in value]

    whole = loss(*given)
    parts = [loss(*half(given, i)) for i in range(2)]
    for term, value in whole.items():
        torch.testing.assert_close(
            value.mean(), parts[0][term].merge(parts[1][term]).mean())


@pytest.mark.parametrize('name', CASES)
def test_half_precision_is_compared_in_single(name):
    loss, make = CASES[name]
    ours, theirs = make(1, 5)[:2]

    def halved(value):
        if isinstance(value, torch.Tensor):
            return value.bfloat16()
        return [halved(part) for part in value]

    rest = make(1, 5)[2:]
    if name == 'pdf':
        rest = halved(rest[0]), rest[1]
    got = loss(halved(ours), theirs, *rest)
    assert all(t.total.dtype == torch.float32 for t in got.values())


def test_flat_order_is_that_of_the_anchors():
    level = torch.arange(24.).reshape(1, 6, 2, 2)
    scores, boxes = flat_boxes(([level], [torch.zeros(1, 8, 2, 2)]))
    assert scores.shape == (1, 8, 3) and boxes.shape == (1, 8, 4)
    # place by place, its two anchors of three classes
    assert scores[0, 0].tolist() == [0., 4., 8.]
    assert scores[0, 1].tolist() == [12., 16., 20.]
    assert scores[0, 2].tolist() == [1., 5., 9.]
    assert flat_levels([level])[0, 1].tolist() == [1., 5., 9., 13., 17., 21.]


def test_ramps():
    kwargs = dict(begin=10, end=20, start=1.0, stop=0.0)
    values = [ramp(n, **kwargs) for n in (0, 10, 15, 20, 30)]
    assert values == [1.0, 1.0, 0.5, 0.0, 0.0]
    loss = FeatureMSE(4.0, schedule=kwargs)
    assert [loss.factor(n) for n in (0, 15, 20)] == [4.0, 2.0, 0.0]
    step = dict(begin=10, end=10, start=0.0, stop=1.0)
    assert [ramp(n, **step) for n in (9, 10)] == [0.0, 1.0]


@pytest.mark.parametrize('schedule', [
    dict(begin=10, end=5), dict(begin=10, start=0.0), dict(start=0.0)])
def test_a_schedule_without_its_end(schedule):
    with pytest.raises(ConfigError, match='give an `end` behind its `begin`'):
        FeatureMSE(schedule=schedule)


def test_an_unknown_key_of_a_schedule():
    with pytest.raises(TypeError, match='ends'):
        FeatureMSE(schedule=dict(ends=3))


@pytest.mark.parametrize(
    'value', [-1, -0.1, float('nan'), float('inf'), '5', None, [5], True])
@pytest.mark.parametrize('kind, key', [
    (FeatureMSE, 'weight'), (PDFDistill, 'weight'),
    (PDFDistill, 'feature_weight'), (DeFeat, 'weight'),
    (DeFeat, 'fg_weight'), (DeFeat, 'bg_weight'), (SoftDetection, 'weight'),
    (SoftDetection, 'cls_weight'), (SegmentationKL, 'weight')])
def test_a_factor_that_is_none(kind, key, value):
    with pytest.raises(ConfigError, match=(
            f'^`{key}` of a {kind.__name__} must be a finite number')):
        kind(**{key: value})
    assert kind(**{key: 0}).factor(0) in (0, 1)


@pytest.mark.parametrize('key', ['start', 'stop', 'end'])
def test_a_schedule_of_what_is_no_factor(key):
    for value in (-1.0, float('nan'), float('inf')):
        with pytest.raises(ConfigError, match=f'`schedule.{key}` of a Fea'):
            FeatureMSE(schedule=dict(dict(begin=0, end=9), **{key: value}))


@pytest.mark.parametrize('loss, args, message', [
    (FeatureMSE(), (_levels(6, 1), _levels(5, 1)),
     'cannot be compared: give the student a connector'),
    (FeatureMSE(), (_levels(6, 1), _levels(6, 1)[:1]), 'same levels'),
    (FeatureMSE(), (_levels(6, 1)[0], _levels(6, 1)[0]),
     'one tensor was recorded'),
    (PDFDistill(), (_levels(6, 1), _levels(6, 1), _outputs(1),
                    _outputs(1, anchors=1)), 'same anchors and classes'),
    (PDFDistill(), (_levels(6, 1)[:1], _levels(6, 1)[:1],
                    *[[x[1:] for x in _outputs(1)]] * 2),
     'record the levels that the head reads'),
    (DeFeat(), (_levels(6, 1), _levels(5, 1), _samples([], [])),
     'cannot be compared'),
    (SoftDetection(), (_outputs(1), _outputs(1, anchors=3)),
     "scores 40 anchors for 3 classes and the teacher's 60"),
    (SoftDetection(), (_levels(6, 1)[0], _outputs(1)), 'got a Tensor'),
    (SoftDetection(), ((*_outputs(1), 3), _outputs(1)), 'tuple of 3'),
    (SoftDetection(), ((_levels(6, 1), _levels(6, 1)), _outputs(1)),
     '4 channels of boxes per anchor'),
    (SegmentationKL(), (_levels(6, 1)[0], _levels(5, 1)[0]),
     'networks with the same classes'),
    (SegmentationKL(), (_levels(6, 1), _levels(6, 1)), 'got a list'),
])
def test_what_cannot_be_compared(loss, args, message):
    with pytest.raises(ConfigError, match=message):
        loss(*args)
