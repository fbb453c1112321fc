"""Hooks of MMEngine, MMDetection and MMSegmentation that would do nothing.

A test holds the table against the installed packages: what is not in it was
tried.
"""
import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS

from mmmultas.utils.errors import ConfigError

__all__ = [
    'REFUSED', 'WARNED', 'refuse_hook', 'refuse_inherited_keys'
]

_PIPELINE = ('streams are read by processes that do not hear of it: train the '
             'last epochs as a second run, with the other pipeline and '
             '`load_from`')
_PICTURES = ('it knows the boxes or the masks of one data set only: use '
             'mmmultas.PictureHook (tools/test.py --show-dir), or '
             'tools/analysis_tools/browse_dataset.py for training')

#: Class → why it cannot do here what its name says, and the way out.
REFUSED: dict[str, str] = {
    'mmdet.PipelineSwitchHook': _PIPELINE,
    'mmdet.YOLOXModeSwitchHook': _PIPELINE,
    'mmdet.MeanTeacherHook':
    'it wants a model with `teacher` and `student`: use '
    "custom_hooks=[dict(type='EMAHook')], or an averaged teacher "
    '(docs/distillation.md)',
    'mmdet.NumClassCheckHook':
    'it asks one data set for one list of classes; heads and data are '
    'compared before the first update anyway: remove it',
    'mmdet.DetVisualizationHook': _PICTURES,
    'mmdet.GroundingVisualizationHook': _PICTURES,
    'mmdet.TrackVisualizationHook': _PICTURES,
    'mmdet.TrainAugmentDetVisualizationHook': _PICTURES,
    'mmseg.SegVisualizationHook': _PICTURES,
    'mmengine.NaiveVisualizationHook': _PICTURES,
    'mmengine.PrepareTTAHook':
    'it wants a second model: use --tta of tools/test.py, or '
    '`model.flip_test=True`',
}


#: Class → what it does otherwise here than its name says.
WARNED: dict[str, str] = {
    'mmengine.EarlyStoppingHook':
    'forgets its count when a run is resumed: mmmultas.EarlyStoppingHook '
    'reads the scores of the checkpoint',
}


def refuse_hook(hook: Any) -> str | None:
    """Refuse a hook of the table, or a child of one.

    Returns:
        What to know of a hook that works otherwise than its name says.

    Raises:
        ConfigError: It is one; the sentence says what to take.
    """
    if not getattr(hook, 'draw', getattr(hook, '_draw', True)):
        return None  # MMDetection's default_runtime.py has one that is off
    for kind in type(hook).__mro__:
        package = kind.__module__.split('.')[0]
        name = f'{package}.{kind.__name__}'
        if name in REFUSED:
            raise ConfigError(
                f'`custom_hooks` has a {type(hook).__name__}, which would '
                f'change nothing here or end the run: {REFUSED[name]}.')
        if name in WARNED:
            return f'{type(hook).__name__} {WARNED[name]}.'
    return None


def refuse_inherited_keys(default_hooks: Mapping[str, Any]) -> None:
    """Refuse MMEngine's CheckpointHook with keys of ours.

    It takes any key and passes it to the function that writes, which would
    end the run at the first checkpoint.

    Args:
        default_hooks: Configs of hooks.

    Raises:
        ConfigError: There is such a one.
    """
    known = {'type', 'priority',
             *inspect.signature(CheckpointHook).parameters}
    for name, cfg in default_hooks.items():
        kind = cfg.get('type') if isinstance(cfg, Mapping) else None
        if isinstance(kind, str):
            kind = HOOKS.get(kind)
        if kind is not CheckpointHook:
            continue
        others = [f'{key}={value!r}' for key, value in cfg.items()
                  if key not in known]
        if cfg.get('save_best') == 'score' and not cfg.get('rule'):
            others.append("save_best='score'")
        if others:
            raise ConfigError(
                f"`default_hooks.{name}` is MMEngine's CheckpointHook and "
                f'has {", ".join(others)}, which only '
                "mmmultas.CheckpointHook knows: set type="
                "'mmmultas.CheckpointHook' (what a config that inherits has "
                'without `type`), or add `_delete_=True` and say all keys '
                'anew.')
