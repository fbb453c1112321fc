import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmmultas.models.balancers import Balancer
from mmmultas.models.companions import Asked, Companion
from mmmultas.models.losses import LossSum
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


@MODELS.register_module(force=True)
class EvenScores(Companion):
    """Wants the segmentation head to be undecided on images without masks."""
    groups = ('even', )
    encoder_taps = ('neck', )

    def __init__(self, student, key, group='even', weight=1.0):
        super().__init__()
        self.groups = (group, )
        self.key, self.scale = key, nn.Parameter(torch.tensor(weight))
        self.updates, self.prepared = [], 0

    def prepare(self, model):
        self.prepared += 1

    def terms(self, model):
        return [(self.groups[0], 'loss_even')]

    def needs(self, update):
        asked = Asked()
        for stream, batch in update.samples.items():
            rows = [i for i, s in enumerate(batch)
                    if 'seg' not in s.metainfo['tasks']]
            asked.add('seg', stream, rows, '')
            assert len(update.encoder[stream]['neck'][0]) == len(batch)
        return asked

    def sums(self, update):
        sums = {}
        for stream, batch in update.samples.items():
            rows = [i for i, s in enumerate(batch)
                    if 'seg' not in s.metainfo['tasks']]
            if rows:
                x = update.outputs['seg'].of(stream, rows)
                sums['loss_even'] = LossSum(
                    self.scale * x.square().sum(),
                    x.new_tensor(float(x.numel())))
        return {self.groups[0]: sums}

    def set_update(self, update):
        self.updates.append(update)


@MODELS.register_module(force=True)
class HalfDet(Balancer):
    """Halves the boxes, and counts its updates."""

    def __init__(self):
        super().__init__()
        self.register_buffer('count', torch.zeros(()))
        self.seen = []

    def weights(self, losses):
        self.seen.append({k: float(v) for k, v in losses.items()})
        self.count += 1
        return dict(det=.5)


def _model(**kwargs):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    return MODELS.build(toy_model(**kwargs))


def _two(**kwargs):
    return _model(companions=dict(
        even=dict(type='mmmultas.EvenScores'),
        more=dict(type='mmmultas.EvenScores', group='more', weight=2.0)),
        **kwargs)


def _data(model):
    streams = dict(det=toy_batch(('det', )), seg=toy_batch(('seg', )))
    return model.data_preprocessor(streams, True)


def test_two_companions_and_a_balancer_in_one_model():
    model = _two(balancer=dict(type='mmmultas.HalfDet')).train()
    plain = _model().train()
    plain.load_state_dict(model.state_dict())
    passes = []
    model.heads['seg'].register_forward_hook(lambda *a: passes.append(1))
    losses = model(**_data(model), mode='loss')
    assert passes == [1]  # for masks and for both companions
    loss, logs = model.parse_losses(losses)
    assert logs['more.loss_even'] == 2 * logs['even.loss_even'] > 0
    # balanced on its way back, not in the log
    assert logs['det.loss_cls'] == losses['det.loss_cls']
    halved = [v / 2 if k.startswith('det') else v for k, v in losses.items()]
    torch.testing.assert_close(loss, sum(halved))
    assert set(model.balancer.seen[0]) == {'det', 'seg', 'even', 'more'}
    loss.backward()
    assert all(c.scale.grad is not None for c in model.companions.values())
    # what they add is no part of the network
    assert list(model.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(model.state_dict())
    model.load_state_dict(plain.state_dict())


def test_what_they_keep_comes_back():
    model = _two(balancer=dict(type='mmmultas.HalfDet'))
    model.companions['more'].scale.data.fill_(7)
    model.balancer.count += 3
    other = _two(balancer=dict(type='mmmultas.HalfDet'))
    assert model.has_company and not _model().has_company
    other.load_extra_state(model.extra_state())
    assert other.companions['more'].scale == 7 and other.balancer.count == 3
    with pytest.raises(ConfigError, match='companions even, more, but.*none'):
        _model().load_extra_state({
            k: v for k, v in model.extra_state().items() if k != 'balancer'})


def test_prepared_once_and_told_the_update():
    model = _two()
    for update in range(2):
        model.set_update(update)
        model(**_data(model), mode='loss')
    for companion in model.companions.values():
        assert companion.prepared == 1 and companion.updates == [0, 1]
    assert model.may_skip_parts and not _model().may_skip_parts


@pytest.mark.parametrize('kwargs, message', [
    (dict(companions=dict(a=dict(type='mmmultas.Even'))),
     '`model.companions.a` cannot be built'),
    (dict(companions=dict(a=dict(type='mmmultas.ToyBackbone'))),
     '`model.companions.a` (cannot be built|is a ToyBackbone, no Companion)'),
    (dict(companions=dict(
        a=dict(type='mmmultas.EvenScores'),
        b=dict(type='mmmultas.EvenScores'))),
     '`model.companions.b` and `model.companions.a` both name losses `even'),
    (dict(companions=dict(a=dict(type='mmmultas.EvenScores', group='det'))),
     '`model.companions.a` and `model.heads` both name losses `det'),
    (dict(companions=['a']), '`model.companions` must be a mapping'),
    (dict(companions=dict(a=dict(type='mmmultas.EvenScores')),
          sequential=True), '`model.sequential` keeps streams apart'),
    (dict(balancer=dict(type='mmmultas.ToyBackbone')), 'no Balancer'),
    (dict(balancer=dict(type='mmmultas.HalfDet'), sequential=True),
     'HalfDet compares'),
    (dict(balancer=dict(type='mmmultas.Fixed', task_weights=dict(dte=5))),
     'need not be Fixed'),
    (dict(companions=dict(balancer=dict(type='mmmultas.EvenScores'))),
     "cannot hold the name 'balancer'"),
    (dict(companions={'a.b': dict(type='mmmultas.EvenScores')}), "'a.b'"),
])
def test_errors(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        _model(**kwargs)


def test_a_balancer_without_state_is_told_the_update():
    class Counter(Balancer):
        update = -1

        def set_update(self, update):
            self.update = update

    MODELS.register_module(name='Counter', module=Counter, force=True)
    model = _model(balancer=dict(type='mmmultas.Counter'))
    assert model.has_company and model.extra_state() == {}
    model.set_update(4)
    assert model.balancer.update == 4
    with pytest.raises(ConfigError, match='with another `model.balancer`'):
        model.load_extra_state(dict(balancer=dict(count=torch.zeros(()))))
