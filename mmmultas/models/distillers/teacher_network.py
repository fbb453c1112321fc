"""Networks of teachers: built from a config, filled, frozen, run in parts."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import load_config
from mmmultas.utils.run_files import chosen_checkpoint

from ..multitask.memory_order import lay_out
from ..multitask.taps import OUTPUTS

__all__ = ['run_recorded', 'teacher_network']

_ENCODER = ('backbone', 'neck')
#: Heads of stock networks that read features alone.
_HEADS = ('bbox_head', 'decode_head', 'rpn_head')


def run_recorded(network: Any, inputs: Tensor, sources: Sequence[str]) -> None:
    """Run as much of a network as is recorded."""
    parts = {source.split('.')[0] for source in sources}
    if hasattr(network, 'encode') and parts <= {*_ENCODER, 'heads'}:
        feats = network.encode(inputs)
        tasks = [task for task in network.tasks if any(
            f'{s}.'.startswith(f'heads.{task}.') for s in sources)]
        rows = {'': list(range(len(inputs)))}
        network.run_heads({'': feats}, dict.fromkeys(tasks, rows),
                          dict.fromkeys(tasks, (OUTPUTS, )))
    elif hasattr(network, 'extract_feat') and parts <= {*_ENCODER, *_HEADS}:
        feats = network.extract_feat(inputs)
        for part in parts - set(_ENCODER):
            # stock networks call `forward` itself, which no recorder hears
            getattr(network, part)(feats)
    else:
        network(inputs, None, mode='tensor')


def teacher_network(name: str, cfg: str | Mapping[str, Any], checkpoint: str,
             channels_last: bool | None) -> BaseModel:
    """A teacher's network, filled and frozen."""
    model_cfg = _model_cfg(name, cfg)
    # a stock segmentor's parts are looked up in mmseg
    scope = str(model_cfg.get('type')).rpartition('.')[0]
    try:
        with DefaultScope.overwrite_default_scope(
                scope if scope == 'mmseg' else 'mmdet'):
            network: BaseModel = MODELS.build(model_cfg)
    except (KeyError, TypeError) as error:
        text = str(error.args[0] if error.args else error)
        raise ConfigError(f'`model.teachers.{name}.cfg` cannot be built: '
                          f'{" ".join(text.split())}') from error
    try:
        path = chosen_checkpoint(checkpoint)
        load_weights(network, load_file(path), str(path))
    except CheckpointError as error:
        raise CheckpointError(
            f'`model.teachers.{name}.checkpoint`: {error}') from error
    if channels_last is not None:
        if hasattr(network, 'memory_format'):
            lay_out(network, channels_last)
        else:
            network.to(
                memory_format=torch.channels_last
                if channels_last else torch.contiguous_format)
    network.requires_grad_(False)
    network.eval()
    return network


def _model_cfg(name: str, cfg: str | Mapping[str, Any]) -> dict[str, Any]:
    """The config of a teacher's model, without weights from elsewhere."""
    if isinstance(cfg, str):
        try:
            model = dict(load_config(cfg).get('model') or {})
        except ConfigError as error:
            raise ConfigError(
                f'`model.teachers.{name}.cfg`: {error}') from error
        if not model:
            raise ConfigError(f'`model.teachers.{name}.cfg` {cfg} has no '
                              '`model`: name the config of a network.')
    else:
        model = dict(cfg)
    model = dict(model.get('architecture', model))  # a student turned teacher
    # the checkpoint fills all: ImageNet's weights are not asked for
    if 'init_cfg' in (model.get('backbone') or {}):
        model['backbone'] = dict(model['backbone'], init_cfg=None)
    return model
