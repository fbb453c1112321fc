from types import SimpleNamespace

import pytest

import mmmultas.testing  # noqa: F401  registers the toys
from mmmultas.engine.coverage import (leaves_stages_unread, may_skip_a_head,
                                      refuse_stray_collectives)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import ConfigError

DET, SEG = {'tasks': ('det', )}, {'tasks': ('seg', )}


def _cfg(alternate='iteration', **datasets):
    return dict(
        train_cfg=dict(alternate=alternate),
        train_dataloader={k: dict(dataset=d)
                          for k, d in datasets.items()})


@pytest.mark.parametrize('cfg, expected', [
    (_cfg(a=DET, b=SEG), False),
    (_cfg('epoch', a=DET, b=SEG), True),
    (_cfg(a=dict(tasks=('det', 'seg'))), False),
    (_cfg('epoch', a=dict(tasks=('det', 'seg'))), False),
    (_cfg(a=DET), True),
    (_cfg(a=dict(type='unknown')), True),
    (_cfg(a=dict(datasets=[DET, SEG])), True),
    (_cfg(a=dict(datasets=[DET, DET]), b=SEG), False),
    (dict(train_cfg=None), False),
    # wrappers, and tasks that a class takes by itself
    (_cfg(a=dict(type='RepeatDataset', times=2, dataset=DET), b=SEG), False),
    (_cfg(a=dict(type='MultiImageMixDataset', dataset=dict(
        type='ClassBalancedDataset', dataset=DET)), b=SEG), False),
    (_cfg(a=dict(type='RepeatDataset', dataset=dict(type='unknown'))), True),
    (_cfg(a=dict(type='mmmultas.ToyDataset')), False),
    (_cfg(a=dict(type='RepeatDataset',
                 dataset=dict(type='mmmultas.VOCDataset'))), False),
    (_cfg(a=dict(tasks=('det', 'seg'), subsets=[dict(tasks=('det', )), {}])),
     True),
    # each image keeps some of its labels
    (_cfg(a=dict(tasks=('det', 'seg'), regime=dict(regime='one'))), True),
    (_cfg(a=dict(tasks=('det', 'seg'), regime=dict(file='kept.txt'))), True),
    (_cfg(a=dict(tasks=('det', 'seg'), regime=dict(only=dict(seg='a.txt')))),
     True),
    (_cfg(a=dict(tasks=('det', 'seg'), regime=dict(regime='full'))),
     False),
    # a stream per task: others' images are left out
    (_cfg(**{task: dict(tasks=(task, ), regime=dict(
        regime='one', tasks=('det', 'seg'))) for task in ('det', 'seg')}),
     False),
])
def test_when_a_head_may_be_skipped(cfg, expected):
    assert may_skip_a_head(cfg, {'det', 'seg'}) is expected


def test_stock_heads_and_mixed_streams_over_processes():
    cfg = toy_model()
    cfg['heads']['det'] = dict(
        type='FCOSHead', num_classes=2, in_channels=8, feat_channels=8,
        norm_cfg=dict(type='BN'),
        strides=[8, 16], regress_ranges=((-1, 32), (32, 1e8)))
    model = MODELS.build(cfg)
    mixed = _cfg(a=dict(datasets=[DET, SEG]))
    with pytest.raises(ConfigError, match='FCOSHead'):
        refuse_stray_collectives(mixed, model)
    refuse_stray_collectives(_cfg(a=DET, b=SEG), model)
    refuse_stray_collectives(_cfg('epoch', a=DET, b=SEG), model)
    refuse_stray_collectives(mixed, MODELS.build(toy_model()))


@pytest.mark.parametrize('backbone, unread', [
    (dict(num_stages=4, out_indices=(1, 2)), True),
    (dict(num_stages=4, out_indices=(2, 3)), False),
    (dict(num_stages=3, out_indices=(1, 2)), False),
    ({}, False),
])
def test_stages_that_nobody_reads(backbone, unread):
    model = SimpleNamespace(backbone=SimpleNamespace(**backbone))
    assert leaves_stages_unread(model) == unread
    assert not leaves_stages_unread(SimpleNamespace())
