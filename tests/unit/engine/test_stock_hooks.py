import mmdet.engine.hooks  # noqa: F401
import mmengine.hooks
import mmseg.engine.hooks  # noqa: F401
import pytest
from mmdet.registry import HOOKS as MMDET
from mmengine.registry import HOOKS as MMENGINE
from mmseg.registry import HOOKS as MMSEG

from mmmultas.engine.stock_hooks import (REFUSED, WARNED, refuse_hook,
                                         refuse_inherited_keys)
from mmmultas.testing import toy_config
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner

#: Do here what they do there; a run below has all of them.
TRIED = {
    'mmdet.CheckInvalidLossHook', 'mmdet.SetEpochInfoHook',
    'mmdet.SyncNormHook',
    'mmengine.CheckpointHook',
    'mmengine.DistSamplerSeedHook', 'mmengine.EMAHook',
    'mmengine.EmptyCacheHook', 'mmengine.IterTimerHook',
    'mmengine.LoggerHook', 'mmengine.ParamSchedulerHook',
    'mmengine.RuntimeInfoHook', 'mmengine.SyncBuffersHook'
}
#: Want a device, a model or files that are not here; they say so themselves.
UNTRIED = {
    'mmengine.NPUProfilerHook', 'mmengine.ProfilerHook',
    'mmengine.RFSearchHook', 'mmcv.RFSearchHook',
    'mmdet.MemoryProfilerHook'
}


def registered():
    found = set()
    for registry in (MMDET, MMSEG, MMENGINE):
        for kind in registry.module_dict.values():
            package = kind.__module__.split('.')[0]
            if package in ('mmdet', 'mmseg', 'mmengine', 'mmcv'):
                found.add(f'{package}.{kind.__name__}')
    return found


def test_every_registered_hook_is_known():
    assert registered() <= set(REFUSED) | set(WARNED) | TRIED | UNTRIED
    assert set(REFUSED) <= registered() and not set(REFUSED) & TRIED


def test_those_that_work_work(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    default = {
        'EMAHook', 'IterTimerHook', 'LoggerHook', 'ParamSchedulerHook',
        'RuntimeInfoHook', 'CheckpointHook', 'DistSamplerSeedHook'
    }
    cfg.custom_hooks += [
        dict(type=name) for name in sorted(TRIED)
        if name.partition('.')[2] not in default
    ]
    runner = build_runner(cfg)
    assert len(runner.hooks) >= len(cfg.custom_hooks) + 5
    runner.train()
    assert runner.iter == 6


@pytest.mark.parametrize('hook, words', [
    (dict(type='mmdet.PipelineSwitchHook', switch_epoch=1,
          switch_pipeline=[]), 'PipelineSwitchHook.*`load_from`'),
    (dict(type='mmdet.YOLOXModeSwitchHook'), 'second run'),
    (dict(type='mmdet.DetVisualizationHook', draw=True), 'browse_dataset'),
])
def test_hooks_that_would_do_nothing(tmp_path, hook, words):
    cfg = toy_config(tmp_path)
    cfg.custom_hooks = [hook]
    with pytest.raises(ConfigError, match=words):
        build_runner(cfg)


def test_a_hook_that_forgets_is_said():
    kind = MMENGINE.get('EarlyStoppingHook')
    said = refuse_hook(kind(monitor='score', rule='greater'))
    assert 'mmmultas.EarlyStoppingHook reads the scores' in said
    assert refuse_hook(MMENGINE.get('EMAHook')()) is None


def test_a_hook_that_is_off_is_none():
    refuse_hook(MMDET.get('mmdet.DetVisualizationHook')(draw=False))


def test_children_are_refused():

    class Mine(MMDET.get('mmdet.YOLOXModeSwitchHook')):
        pass

    with pytest.raises(ConfigError, match='has a Mine'):
        refuse_hook(Mine())


@pytest.mark.parametrize('inherited, said', [
    (dict(max_keep=3), 'max_keep=3'),
    (dict(save_best='score'), "save_best='score'"),
    (dict(max_keep=3, save_best='score'), "max_keep=3, save_best='score'")])
def test_a_stock_checkpoint_hook_over_inherited_keys(tmp_path, inherited,
                                                     said):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=1, **inherited)
    with pytest.raises(ConfigError, match='`default_hooks.checkpoint` is '
                       f"MMEngine's CheckpointHook and has {said}, which"):
        build_runner(cfg)


def test_a_stock_checkpoint_hook_with_its_own_keys():
    refuse_inherited_keys(dict(
        checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2,
                        priority='LOW', save_best='seg/mIoU'),
        score=dict(type='CheckpointHook', save_best='score', rule='greater'),
        ours=dict(type='mmmultas.CheckpointHook', max_keep=3),
        untyped=dict(interval=1),
        sampler_seed=None))
    with pytest.raises(ConfigError, match='has max_keep=3, which'):
        refuse_inherited_keys(dict(checkpoint=dict(
            type=mmengine.hooks.CheckpointHook, max_keep=3)))
