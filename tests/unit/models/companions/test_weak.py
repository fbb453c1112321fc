import copy

import pytest
import torch

from mmmultas.models.companions import Plan
from mmmultas.registry import MODELS
from mmmultas.testing import ToyDataset, toy_batch, toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner

META = dict(
    det=dict(classes=('square', 'bar')),
    seg=dict(classes=('background', 'square', 'bar')))


def companion(kind='BoxForMask', name='weak', **cfg):
    model = MODELS.build(toy_model(
        companions={name: dict(type=f'mmmultas.{kind}', **cfg)}))
    return model.companions[name]


@pytest.mark.parametrize('kind, has, lacks', [
    ('BoxForMask', 'det', 'seg'), ('MaskForBox', 'seg', 'det')])
def test_images_that_it_reads(kind, has, lacks):
    one = companion(kind)
    batch = toy_batch([('det', ), ('seg', ), ('det', 'seg'), ()],
                      4)['data_samples']
    assert one.rows(batch, has, lacks) == [0 if has == 'det' else 1]
    batch[0 if has == 'det' else 1].set_metainfo(dict(supervised=False))
    assert one.rows(batch, has, lacks) == []
    assert one.mute_losses([(has, ), (lacks, )]) == {}
    for carried in ([(lacks, )], [('det', 'seg')], [()]):
        (key, why), = one.mute_losses(carried).items()
        assert key == 'model.companions.weak'
        assert f'has the label of {has!r} and lacks that of {lacks!r}' in why


def test_classes_meet_by_name(monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.companions.weak.print_log',
                        lambda text, *_, **__: said.append(text))
    one = companion()
    assert one.pairs[0].pixel == (1, 2)
    one.meet(Plan(dict(META, seg=dict(classes=('bar', 'sky', 'x')))))
    assert one.pairs[0].pixel == (-1, 0)
    assert len(said) == 1 and "square of 'det' have no class in" in said[0]
    one.meet(Plan(META))
    assert one.pairs[0].pixel == (1, 2) and len(said) == 1
    with pytest.raises(ConfigError, match='share no class'):
        one.meet(Plan(dict(META, seg=dict(classes=('a', 'b', 'c')))))


@pytest.mark.parametrize('name, cfg', [
    ('bar', {}), ('pole', dict(classes=dict(bar='pole'))),
    ('pole', dict(classes=[1, 2]))])
def test_runs_match_classes_by_name(tmp_path, monkeypatch, name, cfg):
    """More pixel classes than the background and those of the boxes."""
    known = ToyDataset.metainfo.fget

    def metainfo(self):
        found = known(self)
        if 'seg' in found:
            found['seg'] = dict(classes=('background', 'square', name, 'sky'),
                                palette=[(i, i, i) for i in range(4)])
        return found

    monkeypatch.setattr(ToyDataset, 'metainfo', property(metainfo))
    toy = toy_model(companions=dict(
        b4m=dict(type='mmmultas.BoxForMask', **cfg),
        m4b=dict(type='mmmultas.MaskForBox', **cfg),
        average=dict(type='mmmultas.ConsistencyTeacher', begin=0., **cfg)))
    toy['heads']['seg']['num_classes'] = 4
    config = toy_config(tmp_path, epochs=1, model=toy)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        config[key] = None
    runner = build_runner(config)
    runner.train()
    network = runner.model
    assert [c.pairs[0].pixel for c in network.companions.values()] == [
        (1, 2)] * 3
    assert {f'train/weak.{term}' for term in (
        'seg.loss_set', 'det.loss_cls', 'det.loss_consistency')} <= set(
            runner.message_hub.log_scalars)


@pytest.mark.parametrize('kind, cfg, name', [
    ('BoxForMask', dict(weight=0), 'weight'),
    ('BoxForMask', dict(ranks=False, delta=.3), 'delta'),
    ('BoxForMask', dict(ranks=False, rates=[.5] * 3), 'rates'),
    ('BoxForMask', dict(ranks=False, ramp_epochs=9), 'ramp_epochs'),
    ('BoxForMask', dict(pairs_warmup=3), 'pairs_warmup'),
    ('MaskForBox', dict(refine_score=.1), 'refine_score'),
    ('MaskForBox', dict(refine_begin=.1), 'refine_begin'),
    ('MaskForBox', dict(refine=True, refine_begin=1), 'refine_begin'),
    ('ConsistencyTeacher', dict(begin=1.), 'begin'),
    ('ConsistencyTeacher', dict(box_score=.3), 'box_score'),
    ('ConsistencyTeacher', dict(box_form='hard', top=.1), 'top'),
    ('ConsistencyTeacher', dict(boxes_weight=0, top=.1), 'top'),
    ('ConsistencyTeacher', dict(masks_weight=0, mask_score=.1), 'mask_score'),
    ('ConsistencyTeacher', dict(masks_weight=0, free_mask_score='mixture'),
     'free_mask_score'),
    ('ConsistencyTeacher', dict(masks_weight=0, boxes_weight=0),
     'masks_weight'),
])
def test_what_would_change_nothing(kind, cfg, name):
    with pytest.raises(ConfigError, match=rf'weak\.{name}`.* would change noth'
                                          'ing'):
        companion(kind, **cfg)


def test_numbers_are_meant_for_all_pairs(monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.companions.weak.print_log',
                        lambda text, *_, **__: said.append(text))

    def pairs(**cfg):
        toy = toy_model(companions=dict(weak=dict(type='mmmultas.BoxForMask',
                                                  **cfg)))
        toy['heads']['parts'] = dict(toy['heads']['seg'], kind='classes',
                                     num_classes=2)
        model = MODELS.build(toy)
        model.meet(dict(META, parts=dict(classes=('none', 'wheel'))), 1, 1)
        return [(p.masks, p.pixel) for p in model.companions['weak'].pairs]

    with pytest.raises(ConfigError, match="0 to 1, .* 'det' and 'parts': name "
                                          'the tasks'):
        pairs(classes=[1, 2])
    assert pairs(classes=[1, 2], masks='seg') == [('seg', (1, 2))]
    assert pairs() == [('seg', (1, 2))] and not said
    assert pairs(classes=dict(bar='square')) == [('seg', (1, 1))]
    assert "'det' and 'parts' take no part in it: " in said[0]


def test_two_of_a_kind_are_refused():
    model = MODELS.build(toy_model(companions=dict(
        a=dict(type='mmmultas.BoxForMask'),
        b=dict(type='mmmultas.BoxForMask', ranks=False))))
    with pytest.raises(ConfigError, match='companions.a` and `model.compan'
                                          'ions.b` both give the loss `weak.'
                                          'seg.loss_set`'):
        model.meet(META, 1, 1)


def _renamed(batch, old, new, kind):
    """The same labels under the name of another task."""
    for sample in batch['data_samples']:
        fields = ['gt'] if kind == 'classes' else ['gt', 'ignored']
        for field in fields:
            setattr(sample, f'{field}_{new}', sample.get(f'{field}_{old}'))
            delattr(sample, f'{field}_{old}')
        sample.set_metainfo(dict(tasks=(new, ), kinds={new: kind}))
    return batch


@pytest.mark.parametrize('bf16', [False, True])
def test_tasks_of_other_names_and_a_second_detector(bf16):
    toy = toy_model(companions=dict(
        b4m=dict(type='mmmultas.BoxForMask', pairs_weight=1., ramp_epochs=0),
        m4b=dict(type='mmmultas.MaskForBox', refine=True, refine_begin=0.,
                 refine_score=0.),
        average=dict(type='mmmultas.ConsistencyTeacher', begin=0.,
                     box_form='hard', box_score=0.)))
    heads = toy['heads']
    toy['heads'] = dict(
        things=dict(heads['det'], kind='boxes'), det=dict(heads['det']),
        stuff=dict(heads['seg'], kind='classes'))
    model = MODELS.build(toy)
    model.meet(dict(things=META['det'], stuff=META['seg'],
                    det=dict(classes=('bar', 'egg'))), 1, 10)
    assert [(p.boxes, p.pixel) for p in model.companions['m4b'].pairs] == [
        ('things', (1, 2)), ('det', (2, -1))]
    model.meet_average(copy.deepcopy(model))
    model.set_update(9)
    data = model.data_preprocessor(dict(
        a=_renamed(toy_batch(('det', ), 2), 'instances', 'things', 'boxes'),
        b=_renamed(toy_batch(('seg', ), 2, seed=1), 'sem_seg', 'stuff',
                   'classes')), True)
    with torch.autocast('cpu', torch.bfloat16, enabled=bf16):
        losses = model.loss(**data)
    weak = {k for k in losses if k.startswith('weak')}
    assert weak == {
        f'weak.{term}' for term in (
            'stuff.loss_set', 'stuff.loss_pairs', 'stuff.loss_consistency',
            'things.loss_cls', 'things.loss_bbox', 'things.loss_consistency',
            'det.loss_cls', 'det.loss_bbox', 'det.loss_consistency')}
    assert all(v.dtype == torch.float32 and torch.isfinite(v)
               for v in losses.values())
