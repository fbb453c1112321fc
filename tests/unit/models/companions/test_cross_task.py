import pytest
import torch
from mmengine.optim import OptimWrapper

from mmmultas.functional.task_space import (cosine_distance, gumbel_sample,
                                            one_hot_maps, relative_depth,
                                            unit_range)
from mmmultas.models.companions import Update
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch
from mmmultas.utils.errors import ConfigError

WIDTHS = (4, 4, 8, 8, 8)
TASKS = ('seg', 'depth', 'normals')
ONE = [(task, ) for task in TASKS]


def segnet(tasks=TASKS, **companions):
    """Config of a tiny SegNet."""
    head = dict(type='mmmultas.SegNetHead', in_channels=4)
    return dict(
        type='mmmultas.MultiTaskDetSeg',
        backbone=dict(type='mmmultas.SegNetEncoder', widths=WIDTHS),
        neck=dict(type='mmmultas.SegNetDecoder', widths=WIDTHS),
        heads={task: dict(head, num_classes=3) if task == 'seg' else head
               for task in tasks},
        companions=companions)


def xtc(**cfg):
    """Config of the companion."""
    return dict(type='mmmultas.CrossTaskConsistency',
                mapping=dict(type='mmmultas.SegNetMapping', widths=WIDTHS),
                **cfg)


class NoMapping(torch.nn.Module):
    """Takes what a mapping takes."""

    def __init__(self, channels):
        super().__init__()


def built(cfg=None, tasks=TASKS, **options):
    """A model with the companion, as the training calls it."""
    torch.manual_seed(0)
    made = MODELS.build(segnet(tasks, xtc=cfg or xtc(**options)))
    made.init_weights()
    made.meet({}, 10, 100)
    made.set_update(3)
    return made.train()


@pytest.fixture(scope='module')
def model():
    return built()


def data(model, tasks=ONE, count=3, second_view=True, **kwargs):
    """A batch of the stream `a`."""
    batch = toy_batch(tasks, count, second_view=second_view, **kwargs)
    return model.data_preprocessor(dict(a=batch), True)


def losses(model, batch):
    """What the companion says."""
    found = model.loss(**batch)
    return {k: v for k, v in found.items() if k.startswith('xtc')}


def test_it_equals_a_loop_over_images_pairs_and_sides(model):
    """An image labelled for one task has two pairs; B = 3 divides."""
    batch = data(model)
    found = losses(model, batch)
    one = model.companions['xtc']
    samples = batch['data_samples']['a']
    pooled = model.backbone(batch['inputs']['a'])
    feats = model.neck(pooled)
    said = {t: model.heads[t](feats).float() for t in TASKS}
    said['seg'] = said['seg'].log_softmax(1)
    said['normals'] = torch.nn.functional.normalize(said['normals'], dim=1)
    ct = reg = 0
    zero = torch.zeros(1, dtype=torch.long)
    for row in range(3, 6):
        target, = samples[row].metainfo['tasks']
        for source in TASKS:
            if source == target:
                continue
            x = said[source][row:row + 1]
            pair = next(p for p in one.image_pairs(_update(model, batch))
                        if (p.row, p.source) == (row, source))
            assert pair.target == target
            column = zero + [(s, t) for s in TASKS for t in TASKS
                             if s != t].index((source, target))
            if source == 'seg':
                noise = one.noise(_update(model, batch), pair, x[0])
                x = gumbel_sample(x, noise[None])
            elif source == 'depth':
                x = relative_depth(x)
            else:
                x = unit_range(x)
            label = samples[row].get(dict(seg='gt_sem_seg').get(
                target, f'gt_{target}'))
            y = (one_hot_maps(label.sem_seg, 3) if target == 'seg' else
                 relative_depth(label.data[None]) if target == 'depth' else
                 unit_range(label.data[None].float()))
            a = one.mapping([(source, x)], zero, column)
            b = one.mapping([(target, y)], zero, column)
            f = pooled.pooled[row:row + 1]
            ct = ct + cosine_distance(a, b)[0]
            reg = reg + .5 * (cosine_distance(a, f)
                              + cosine_distance(b, f))[0]
    torch.testing.assert_close(found['xtc.loss_ct'], ct / 3)
    torch.testing.assert_close(found['xtc.loss_reg'], reg / 3)


def _update(model, batch):
    return Update(model, batch['inputs'], batch['data_samples'], {})


def test_who_learns(model):
    model.zero_grad()
    sum(losses(model, data(model)).values()).backward()
    moved = {name.split('.')[0] + '.' + name.split('.')[1]
             for name, p in model.named_parameters()
             if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved == {'backbone.stages', 'neck.stages', 'heads.seg',
                     'heads.depth', 'heads.normals', 'companions.xtc'}


def test_nothing_reaches_the_feature(model):
    one = model.companions['xtc']
    update = _update(model, data(model))
    pairs = one.image_pairs(update)
    feature = torch.rand(6, 8, 2, 2, requires_grad=True)
    update.encoder = dict(a={'backbone.embedding': feature})
    assert not one._features(update, pairs).requires_grad
    torch.testing.assert_close(one._features(update, pairs)[0],
                               feature[pairs[0].row])


def test_heads_learn_from_first_views_alone(model):
    batch = data(model, count=1)
    found = model.loss(**batch)
    only = data(model, count=1, second_view=False)
    assert set(found) == {'seg.loss_ce', 'xtc.loss_ct', 'xtc.loss_reg'}
    # batch norm has seen both views
    assert found['seg.loss_ce'] != model.loss(**only)['seg.loss_ce']
    samples = batch['data_samples']['a']
    samples[1].set_metainfo(dict(supervised=True))
    assert model.loss(**batch)['seg.loss_ce'] != found['seg.loss_ce']


def _gradients(model, batch):
    """Of all losses, by name."""
    model.zero_grad()
    sum(model.loss(**batch).values()).backward()
    return {k: p.grad.clone() for k, p in model.named_parameters()}


def test_withheld_labels_move_no_bit(model):
    batch = data(model, [TASKS], 3)
    for i, sample in enumerate(batch['data_samples']['a']):
        sample.set_metainfo(dict(tasks=(TASKS[i % 3], )))
    before, grads = losses(model, batch), _gradients(model, batch)
    for i, sample in enumerate(batch['data_samples']['a']):
        for task in set(TASKS) - {TASKS[i % 3]}:
            label = sample.gt_sem_seg.sem_seg if task == 'seg' else (
                sample.get(f'gt_{task}').data)
            label.copy_(label.flip(-1) + 1)
    after, others = losses(model, batch), _gradients(model, batch)
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert all(torch.equal(grads[k], others[k]) for k in grads)
    samples = batch['data_samples']['a']
    samples[4].gt_depth.data.add_(torch.rand(1, 64, 64))
    assert not torch.equal(losses(model, batch)['xtc.loss_ct'],
                           before['xtc.loss_ct'])


def test_draws_follow_seed_update_and_image_alone(model):
    batch = data(model)
    first = losses(model, batch)['xtc.loss_ct']
    torch.manual_seed(99)
    assert torch.equal(losses(model, batch)['xtc.loss_ct'], first)
    model.set_update(4)
    other = losses(model, batch)['xtc.loss_ct']
    model.set_update(3)
    assert not torch.equal(other, first)
    model.meet({}, 10, 100, seed=1)
    assert not torch.equal(losses(model, batch)['xtc.loss_ct'], first)
    model.meet({}, 10, 100)


def test_streams_are_one_batch(model):
    """Two streams give what one stream of their images gives."""
    batch = toy_batch(ONE[:2], 2, second_view=True)
    parts = {name: {k: v[i:i + 1] for k, v in batch.items()}
             for i, name in enumerate('ab')}
    model.eval()  # else batch norm tells them apart
    whole = losses(model, model.data_preprocessor(dict(a=batch), True))
    apart = losses(model, model.data_preprocessor(parts, True))
    model.train()
    for key, value in whole.items():
        torch.testing.assert_close(apart[key], value)


def test_options():
    batch = data(built(), count=2)
    base = losses(built(), batch)
    twice = losses(built(weight=2.), batch)
    torch.testing.assert_close(twice['xtc.loss_ct'], 2 * base['xtc.loss_ct'])
    rho = losses(built(reg_weight=2.), batch)
    torch.testing.assert_close(rho['xtc.loss_reg'], 4 * base['xtc.loss_reg'])
    mean = losses(built(mean_pairs=True), batch)
    torch.testing.assert_close(mean['xtc.loss_ct'], base['xtc.loss_ct'] / 2)
    assert set(losses(built(reg_weight=0), batch)) == {'xtc.loss_ct'}
    first = built(view='first')
    assert set(losses(first, data(first, second_view=False))) == set(base)


def test_ramp():
    model = built(ramp_epochs=2)  # of ten updates
    batch = data(model, count=1)
    values = {}
    for update in (0, 5, 20, 50):
        model.set_update(update)
        model.companions['xtc']._seed = lambda *_: 7
        values[update] = losses(model, batch)
    assert values[0] == {}
    for update, share in ((5, .25), (50, 1.)):
        torch.testing.assert_close(values[update]['xtc.loss_ct'],
                                   share * values[20]['xtc.loss_ct'])


def test_images_with_all_labels():
    batch = data(built(), [TASKS], 1)
    assert losses(built(), batch) == {}
    model = built(full=True)
    assert len(model.companions['xtc'].image_pairs(
        _update(model, batch))) == 6
    assert set(losses(model, batch)) == {'xtc.loss_ct', 'xtc.loss_reg'}


def test_without_condition_and_beside_a_step():
    model = built(xtc() | dict(mapping=dict(
        type='mmmultas.SegNetMapping', widths=WIDTHS, conditioned=False)))
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.1))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(dict(a=toy_batch(ONE, 3, second_view=True)),
                            optim)
    assert {'xtc.loss_ct', 'xtc.loss_reg'} <= set(logs)
    same = [k for k, v in model.named_parameters()
            if torch.equal(v, before[k])]
    # what a bias adds, the norm takes away
    assert all(k.endswith('.bias') for k in same), same


def test_boxes_take_part_where_they_are_named():
    cfg = segnet(('seg', ), xtc=xtc(tasks=('det', 'seg'), view='first'))
    cfg['heads']['det'] = dict(
        type='mmmultas.MultiLevelAnchorHead', num_classes=2, in_channels=4,
        stacked_convs=1, anchors=dict(type='mmmultas.AnchorGrid',
                                      strides=[1], base_size=16))
    model = MODELS.build(cfg)
    model.init_weights()
    one = model.companions['xtc']
    assert one.channels == dict(det=2, seg=3)
    model.zero_grad()
    found = losses(model, data(model, [('det', ), ('seg', )], 2, False))
    found['xtc.loss_ct'].backward()
    assert model.heads['det'].cls_branches[0][-1].weight.grad.abs().sum() > 0
    assert model.heads['seg'].conv.weight.grad.abs().sum() > 0


def test_files():
    model = built()
    assert not any('companions' in k for k in model.state_dict())
    kept = model.extra_state()['xtc']
    assert len(kept) == len(model.companions['xtc'].state_dict())
    other = built()
    torch.nn.init.ones_(other.companions['xtc'].mapping.film[0].gamma)
    other.load_extra_state(dict(xtc=kept))
    with pytest.raises(ConfigError, match='with another `model.companions'):
        other.load_extra_state(dict(xtc={}))


def test_what_does_not_fit():
    def refused(message, cfg=None, tasks=TASKS, **options):
        with pytest.raises(ConfigError, match=message):
            built(cfg, tasks, **options)

    refused('heads of two tasks or more', tasks=('seg', ))
    refused("did you mean 'depth'", pairs=[('seg', 'depht')])
    refused('pairs of two tasks', pairs=['seg'])
    refused('there are seg, depth, normals', tasks=TASKS, cfg=xtc(
        tasks=('seg', 'zebra')))
    refused('weight` is 0', weight=0)
    refused("'second' or 'first'", view='third')
    refused('whole number from 1', num_pairs=0)
    refused('would change nothing with reg_weight=0', reg_weight=0,
            feature='backbone')
    refused('which the model does not have', feature='spine')
    refused('is no part of what encodes', feature='heads.seg')
    refused('`model.companions.xtc.full` is True or', full='no')
    refused('mean_pairs` is True or', mean_pairs=1)
    refused('pairs` is empty', pairs=[])
    refused(r'makes \(8, 2, 2\) .* has \(4, 64, 64\)', feature='neck')
    refused('cannot be built', dict(
        type='mmmultas.CrossTaskConsistency', mapping=dict(
            type='mmmultas.SegNetMapping', depth=3)))
    refused('no PairMapping', dict(
        type='mmmultas.CrossTaskConsistency', mapping=dict(
            type=NoMapping)))
