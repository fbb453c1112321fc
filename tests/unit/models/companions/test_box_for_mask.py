import pytest
import torch

from mmmultas.functional.box_supervision import set_losses
from mmmultas.models.companions import Plan
from mmmultas.models.companions.box_view import box_view
from mmmultas.models.companions.pixels import cell_scores
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

from .test_weak import META, companion


def _losses(size=64, update=99, **cfg):
    """Weak losses of a batch, and the model."""
    torch.manual_seed(0)
    model = MODELS.build(toy_model(companions=dict(
        weak=dict(type='mmmultas.BoxForMask', **cfg))))
    with torch.no_grad():
        model.heads['seg'].conv_seg.weight.normal_()
    model.meet(META, 10, 100)
    model.set_update(update)
    batches = dict(det=toy_batch(('det', ), 3, size),
                   seg=toy_batch(('seg', ), 2, size, seed=1))
    data = model.data_preprocessor(batches, True)
    found = model.eval().loss(**data)
    return {k: v for k, v in found.items() if 'weak' in k}, model, data


def test_the_set_loss_is_a_mean_over_cells_of_all_images():
    losses, model, data = _losses(ranks=False)
    assert list(losses) == ['weak.seg.loss_set']
    images, samples = (data[k]['det'] for k in ('inputs', 'data_samples'))
    logits = model.raw_outputs(model.encode(images), ['seg'])['seg']
    cells = cell_scores(logits, (64, 64), 3, '')
    pair = model.companions['weak'].pairs[0]
    each = [set_losses(x, box_view(s, pair, x).allowed)
            for x, s in zip(cells, samples)]
    torch.testing.assert_close(losses['weak.seg.loss_set'],
                               torch.stack(each).mean())


@pytest.mark.parametrize('cfg', [
    dict(rates=.5), dict(ranks=False), dict(static='filled', ranks=False)])
def test_where_every_pixel_class_has_boxes(cfg):
    """Without a background, what lies outside of boxes says nothing."""
    toy = toy_model(companions=dict(weak=dict(
        type='mmmultas.BoxForMask', classes=[0, 1], lines_weight=.5, **cfg)))
    toy['heads']['seg']['num_classes'] = 2
    model = MODELS.build(toy)
    model.meet(dict(META, seg=META['det']), 10, 100)
    model.set_update(99)
    losses = model.loss(**model.data_preprocessor(
        dict(det=toy_batch(('det', ), 3)), True))
    assert 0 < losses['weak.seg.loss_set'] < 10
    losses['weak.seg.loss_set'].backward()
    assert all(torch.isfinite(p.grad).all()
               for p in model.heads['seg'].parameters()
               if p.grad is not None)


def test_ranks_come_in_by_a_ramp():
    half, start, full, alone = (
        _losses(update=update, **cfg)[0]['weak.seg.loss_set']
        for update, cfg in ((10, {}), (0, {}), (20, {}),
                            (20, dict(ranks=False))))
    assert torch.equal(start, alone) and full > alone
    torch.testing.assert_close(half, (start + full) / 2)


def test_given_rates_need_no_mask():
    fixed = _losses(rates=.7)[0]
    learnt, model, _ = _losses()
    assert fixed['weak.seg.loss_set'] != learnt['weak.seg.loss_set']
    rates = model.companions['weak'].rates['seg']
    before = rates.state()['counts'].clone()
    assert before.sum() > 0
    weak = model.companions['weak']
    assert weak.mute_losses([('det', )]).keys() == {
        'model.companions.weak.ranks'}
    assert companion(rates=.5).mute_losses([('det', )]) == {}
    # what was learnt goes along
    other = _losses()[1].companions['weak']
    other.load_extra_state(weak.extra_state())
    assert torch.equal(other.rates['seg'].values(), rates.values())
    with pytest.raises(ConfigError, match='another `model.companions.weak`'):
        other.load_extra_state({})


@pytest.mark.parametrize('cfg, terms', [
    (dict(lines_weight=.5), ['loss_set', 'loss_lines']),
    (dict(lines_weight=.5, lines_form='dice'), ['loss_set', 'loss_lines']),
    (dict(static='filled', ranks=False), ['loss_set']),
    (dict(static='inner', ranks=False), ['loss_set']),
    (dict(pairs_weight=1., pairs_warmup=10), ['loss_set', 'loss_pairs'])])
def test_terms(cfg, terms):
    losses, model, _ = _losses(**cfg)
    assert list(losses) == [f'weak.seg.{term}' for term in terms]
    assert model.companions['weak'].terms(model) == [
        ('weak', f'seg.{term}') for term in terms]
    sum(losses.values()).backward()
    grads = [p.grad for p in model.heads['seg'].parameters()
             if p.grad is not None]
    assert grads and all(torch.isfinite(g).all() for g in grads)
    assert all(p.grad is None for p in model.heads['det'].parameters())


def test_weights_are_factors():
    one, two = (_losses(weight=w, lines_weight=.5 * w)[0] for w in (1, 2))
    torch.testing.assert_close(two['weak.seg.loss_set'],
                               2 * one['weak.seg.loss_set'])
    torch.testing.assert_close(two['weak.seg.loss_lines'],
                               4 * one['weak.seg.loss_lines'])


def test_filled_boxes_are_cross_entropy():
    """A head that says just that has no loss; one that errs has."""
    model = _losses(static='filled', ranks=False)[1]
    weak = model.companions['weak']
    sample = model.data_preprocessor(
        dict(det=toy_batch(('det', ), 1)), True)['data_samples']['det'][0]
    scores = torch.zeros(3, 16, 16)
    view = box_view(sample, weak.pairs[0], scores)
    scores[0] = 30
    for cells, label in zip(view.cells, view.labels):
        scores[:, cells] = 0
        scores[label, cells] = 30
    loss = weak._set_sum(weak.pairs[0], view, scores)
    if len(view.labels) == 1:
        assert loss.total < 1e-3
    assert weak._set_sum(weak.pairs[0], view, -scores).total > 100


@pytest.mark.parametrize('cfg, message', [
    (dict(static='grabcut'), "is 'filled' or 'inner', not 'grabcut'"),
    (dict(lines_form='x', lines_weight=1), "is 'log' or 'dice', not 'x'"),
    (dict(lines_form='dice'), 'nothing with lines_weight=0'),
    (dict(static='filled'), 'both say what is inside'),
    (dict(ranks=False, pairs_weight=1.), 'alone makes boxes empty'),
    (dict(delta=2), '1 or less'),
    (dict(rates=[.5]), 'each of the 3 pixel classes'),
])
def test_what_excludes_one_another(cfg, message):
    with pytest.raises(ConfigError, match=message):
        companion(**cfg)


def test_heads_that_give_no_softmax_are_refused():
    model = MODELS.build(toy_model(companions=dict(
        weak=dict(type='mmmultas.BoxForMask'))))
    model.heads['seg'].loss_decode.use_sigmoid = True
    with pytest.raises(ConfigError, match='use_sigmoid'):
        model.prepare()
    del model.heads['seg'].loss_decode.use_sigmoid
    model.prepare()
    weak = model.companions['weak']
    weak._counts['seg'] = 5
    with pytest.raises(ConfigError, match='no score of each of its 5'):
        weak.prepare(model)


def test_rates_are_learnt_as_long_as_ranks_come_in():
    weak = companion(ramp_epochs=3)
    weak.meet(Plan(META, 100, 1000))
    assert weak.rates['seg'].until == 300
