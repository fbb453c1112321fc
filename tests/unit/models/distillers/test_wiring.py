import copy

import pytest
import torch

from mmmultas.models.distillers.wiring import (Source, arguments,
                                               build_connectors, build_losses,
                                               read_wires)
from mmmultas.models.losses.distillation import DistillLoss
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

LOSSES = dict(
    loss_a=dict(type='mmmultas.FeatureMSE'),
    loss_b=dict(type='mmmultas.DeFeat'))
CONNECTORS = dict(wide=dict(
    type='mmmultas.LevelProjection', in_channels=2, out_channels=3))
OURS = dict(from_student=True, recorder='feats', connector='wide')
THEIRS = dict(from_student=False, teacher='det', recorder='feats')
MAPPINGS = dict(
    loss_a=dict(student=OURS, teacher=THEIRS),
    loss_b=dict(student=OURS, teacher=THEIRS))


@MODELS.register_module()
class LooseLoss(DistillLoss):
    """An argument of it has a default."""

    def forward(self, student, teacher=None):
        return {}


def _wires(mappings, losses=LOSSES, teachers=('det', 'seg')):
    return read_wires(
        mappings, build_losses(losses), dict(feats='neck', logits='heads.seg'),
        {name: dict(feats='neck', out='heads.det') for name in teachers},
        build_connectors(CONNECTORS))


def test_wires():
    wires = _wires(MAPPINGS)
    wire = wires['loss_a']
    assert wire.teacher == 'det' and not wire.samples
    assert wire.student == dict(student=Source('feats', 'wide'))
    assert wire.teachers == dict(teacher=Source('feats'))
    assert wires['loss_b'].samples


def test_the_only_teacher_needs_no_name():
    theirs = dict(from_student=False, recorder='feats')
    mappings = {k: dict(student=OURS, teacher=theirs) for k in LOSSES}
    assert _wires(mappings, teachers=['seg'])['loss_a'].teacher == 'seg'
    with pytest.raises(ConfigError, match='must name its `teacher`: det, seg'):
        _wires(mappings)


def test_an_argument_with_a_default_may_be_left_out():
    losses = dict(loss_a=dict(type='mmmultas.LooseLoss'))
    with pytest.raises(ConfigError, match='listens to 0 teachers'):
        _wires(dict(loss_a=dict(student=OURS)), losses)
    _wires(dict(loss_a=dict(student=OURS, teacher=THEIRS)), losses)


def _edited(loss, argument, **changes):
    mappings = copy.deepcopy(MAPPINGS)
    cfg = mappings[loss][argument]
    for key, value in changes.items():
        if value is None:
            del cfg[key]
        else:
            cfg[key] = value
    return mappings


def _without(*keys):
    mappings = copy.deepcopy(MAPPINGS)
    part = mappings
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    return mappings


@pytest.mark.parametrize('mappings, message', [
    (_edited('loss_a', 'student', recorder='feat'),
     "loss_a.student` names 'feat'.*did you mean 'feats'"),
    (_edited('loss_a', 'student', recorder=None), "names ''"),
    (_edited('loss_a', 'teacher', recorder='xyz'),
     "loss_a.teacher` names 'xyz'.*have feats, out"),
    (_edited('loss_a', 'student', connector='wid'), "did you mean 'wide'"),
    (_edited('loss_a', 'teacher', connector='wide'),
     "connectors are for the student's side"),
    (_edited('loss_a', 'teacher', teacher='depth'), "names 'depth'"),
    (_edited('loss_a', 'teacher', from_student=None), 'must say'),
    (_edited('loss_a', 'teacher', from_student='no'), 'must say'),
    (_edited('loss_a', 'student', index=1), "unknown key 'index'"),
    (_edited('loss_a', 'student', recorder=['feats']), r"names \['feats'\]"),
    (_edited('loss_a', 'student', connector=['wide']), r"names \['wide'\]"),
    (_edited('loss_a', 'teacher', teacher=['det']), r"names \['det'\]"),
    (_edited('loss_a', 'teacher', recorder={}), 'names {}'),
    (_edited('loss_a', 'teacher', data_idx=[0]),
     r'loss_a.teacher.data_idx` must be the number .* got \[0\]'),
    (['loss_a'], 'loss_forward_mappings` must be a mapping'),
    *[(dict(MAPPINGS, loss_a=x), 'mappings.loss_a` must be a mapping')
      for x in ('x', None, ['student'])],
    *[(dict(MAPPINGS, loss_a=dict(student=x, teacher=THEIRS)),
       'mappings.loss_a.student` must be a mapping')
      for x in ('feats', None, ['feats'])],
    (_edited('loss_a', 'student', teacher='det'), "unknown key 'teacher'"),
    (_without('loss_a'), "no entry for 'loss_a'"),
    (_without('loss_a', 'student'), 'takes nothing of the student'),
    (_without('loss_a', 'teacher'), 'listens to 0 teachers'),
    (dict(MAPPINGS, loss_c={}), "names 'loss_c'"),
    (dict(MAPPINGS, loss_a=dict(MAPPINGS['loss_a'], more=OURS)),
     "unknown argument 'more' of FeatureMSE, which takes student, teacher"),
    (dict(MAPPINGS, loss_a=dict(pupil=OURS, teacher=THEIRS)),
     "lacks the argument 'student'"),
    (dict(MAPPINGS, loss_b=dict(MAPPINGS['loss_b'], samples=OURS)),
     "unknown argument 'samples'"),
    (dict(MAPPINGS, loss_a=dict(student=OURS, teacher=THEIRS,
                                more=dict(THEIRS, teacher='seg'))),
     r'listens to 2 teachers \(det, seg\)'),
    ({name: dict(student=dict(from_student=True, recorder='feats'),
                 teacher=THEIRS) for name in LOSSES},
     '`model.distiller.connectors.wide` is used by no loss'),
])
def test_wrong_wires(mappings, message):
    with pytest.raises(ConfigError, match=message):
        _wires(mappings)


@pytest.mark.parametrize('cfgs, message', [
    ({}, 'is empty'),
    (dict(mse=LOSSES['loss_a']), "must begin with 'loss'"),
    ({'loss.a': LOSSES['loss_a']}, "cannot hold the name 'loss.a'"),
    (dict(loss_a=dict(type='mmmultas.FeatureMSA')),
     'distill_losses.loss_a` cannot be built'),
    (dict(loss_a=dict(weight=3)), 'cannot be built'),
    (dict(loss_a=dict(LOSSES['loss_a'], wait=3)), 'cannot be built.*wait'),
    (dict(loss_a=dict(LOSSES['loss_a'], schedule=dict(ends=3))), 'ends'),
    (dict(loss_a=dict(LOSSES['loss_a'], schedule='ramp')),
     'distill_losses.loss_a` cannot be built'),
    (dict(loss_a=dict(LOSSES['loss_a'], schedule=dict(begin=9, end=5))),
     'distill_losses.loss_a`: The `schedule` of a FeatureMSE'),
    (dict(loss_a=dict(LOSSES['loss_a'], weight='5')),
     "distill_losses.loss_a`: `weight` of a FeatureMSE must be .* got '5'"),
    (['loss_a'], 'distill_losses` must be a mapping'),
    ({1: LOSSES['loss_a']}, 'distill_losses` must be a mapping'),
    *[(dict(loss_a=x), 'distill_losses.loss_a` must be a mapping')
      for x in ('mmmultas.FeatureMSE', None, ['mmmultas.FeatureMSE'])],
    (dict(loss_a=dict(type='mmmultas.FocalLoss')), 'no distillation loss'),
    ({'loss_b_fg': LOSSES['loss_a'], **LOSSES}, "a term 'loss_b_fg'"),
])
def test_wrong_losses(cfgs, message):
    with pytest.raises(ConfigError, match=message):
        build_losses(cfgs)


@pytest.mark.parametrize('cfgs, message', [
    (dict(a=dict(type='mmmultas.LevelProjector')), 'connectors.a` cannot'),
    (dict(keys=CONNECTORS['wide']), "cannot hold the name 'keys'"),
    (['wide'], 'connectors` must be a mapping'),
    *[(dict(a=x), 'connectors.a` must be a mapping')
      for x in ('mmmultas.IdentityConnector', None)],
])
def test_wrong_connectors(cfgs, message):
    with pytest.raises(ConfigError, match=message):
        build_connectors(cfgs)


def test_arguments_take_an_item_then_connect():
    recorded = dict(out=([1, 2], [3]), named=dict(x=[4]))
    sources = dict(
        a=Source('out', 'twice', 0), b=Source('named', None, 'x'),
        c=Source('out'))
    values = arguments(sources, recorded, dict(twice=lambda x: x * 2))
    assert values == dict(a=[1, 2, 1, 2], b=[4], c=([1, 2], [3]))


@pytest.mark.parametrize('value, part', [
    (torch.zeros(2, 3), 0), ([1, 2], 2), ([1, 2], 'x'), (dict(x=1), 'y')])
def test_an_item_that_was_not_recorded(value, part):
    with pytest.raises(ConfigError, match="data_idx=.*recorder 'out'"):
        arguments(dict(a=Source('out', None, part)), dict(out=value), {})
