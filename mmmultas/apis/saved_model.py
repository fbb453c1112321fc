"""A model built from its checkpoint alone, without trusting it.

Weights and meta are read without unpickling code, the config in it as plain
data. Even plain data could name any function as a ``type``: MMEngine imports
``'os.system'`` where a registry does not know it, and mmcv evaluates the
``type`` of an NMS. So only names that are registered are built, and none
that names a file.
"""
import contextlib
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import mmdet.registry
import mmengine.registry
import mmseg.registry
import torch
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope, Registry

from mmmultas.engine.checks import check_classes
from mmmultas.models.multitask import MultiTaskDetSeg
from mmmultas.registry import MODELS
from mmmultas.structures import BOXES, CLASSES, kind_of
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.config_text import parse_config_text
from mmmultas.utils.errors import CheckpointError, ConfigError, UserError
from mmmultas.utils.launch import load_config
from mmmultas.utils.quiet import import_stock

__all__ = [
    'SavedModel', 'choose_device', 'eval_geometry', 'load_saved_model',
    'refuse_strangers'
]

#: What mmcv's NMS may be besides registered names.
_NMS = {'nms', 'soft_nms'}
_FILES = ('.bin', '.ckpt', '.json', '.pkl', '.pt', '.pth', '.py')
_MEND = 'give a config that you trust (--config).'


class SavedModel(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        model: The network in evaluation mode, on its device.
        meta: ``classes`` and ``palette`` (or None) of each task.
        load_image: Config of the transform that reads a picture.
        geometry: Configs of the transforms between reading and packing.
    """
    model: MultiTaskDetSeg
    meta: dict[str, dict[str, Any]]
    load_image: dict[str, Any]
    geometry: list[dict[str, Any]]


def load_saved_model(checkpoint: str | Path,
                     config: str | Path | Mapping[str, Any] | None = None,
                     device: str | None = None) -> SavedModel:
    """Build the model of a checkpoint and fill it.

    Args:
        checkpoint: A file of training or of ``publish_model.py``.
        config: A config, or its file, that replaces the one in the
            checkpoint.
        device: For example ``cpu`` or ``cuda:0``; by default a GPU if there
            is one.

    Raises:
        CheckpointError: The file is missing, broken, unsafe or does not fit.
        ConfigError: No such device, or a config that cannot be built.
    """
    place, source = choose_device(device), str(checkpoint)
    content = load_file(checkpoint)
    cfg = _config_of(content, source, config)
    if not isinstance(cfg.get('model'), Mapping):
        raise CheckpointError(f'The config in {source} has no `model`: '
                              f'{_MEND}')
    model_cfg = _for_inference(cfg['model'])
    load_image, geometry = eval_geometry(cfg)
    if config is None:
        refuse_strangers(model_cfg, source, 'model')
        refuse_strangers([load_image, *geometry], source, 'test_pipeline')
    model = _built(model_cfg, source)
    if not isinstance(model, MultiTaskDetSeg):
        raise CheckpointError(f'{source} holds a {type(model).__name__}: '
                              'only a mmmultas.MultiTaskDetSeg can be used '
                              'here.')
    load_weights(model, content, source)
    model = revert_sync_batchnorm(model).to(place).eval()
    kept = _mapping(content, 'meta')
    meta = {**_mapping(kept, 'judged_meta'), **_mapping(kept, 'dataset_meta')}
    meta = {task: _mapping(meta, task) for task in model.heads}
    check_classes(model, meta)
    return SavedModel(model, _named_classes(model, meta), load_image,
                      geometry)


def _built(model_cfg: ConfigDict, source: str) -> Any:
    try:
        with DefaultScope.overwrite_default_scope('mmdet'):
            return MODELS.build(model_cfg)
    except UserError:
        raise
    except Exception as error:  # whatever other constructors trip over
        text = ' '.join(str(error).split())[:200]
        raise CheckpointError(
            f'The `model` for {source} cannot be built '
            f'({type(error).__name__}: {text}): give the config that it was '
            'trained with (--config).') from error


def choose_device(name: str | None) -> torch.device:
    """The device of this name, or the best one there is.

    Raises:
        ConfigError: No such device.
    """
    if name is None:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f'There is no device {name!r} here: use cpu or, '
                          'with a GPU, cuda:0.') from error
    return device


def eval_geometry(
        cfg: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict]]:
    """How the test reads pictures, and what it does to them.

    Returns:
        The config of the loading transform, and those of the transforms that
        neither load nor pack; nothing where the test data have no pipeline.
    """
    streams = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    load_image: dict[str, Any] = dict(type='mmmultas.LoadImage')
    if not isinstance(streams, Mapping):
        streams = {}
    for stream in streams.values():
        if not isinstance(stream, Mapping):
            continue
        steps = [dict(step) for step in _pipeline(stream.get('dataset'))]
        names = [str(step.get('type')).split('.')[-1] for step in steps]
        if 'LoadImage' in names:
            load_image = steps[names.index('LoadImage')]
        return load_image, [
            step for step, name in zip(steps, names)
            if not name.startswith(('Load', 'Pack'))
        ]
    return load_image, []


def refuse_strangers(part: Any, source: str, key: str) -> None:
    """Refuse what a registry does not know, and what names a file.

    Args:
        part: Plain values that are to be built.
        source: The checkpoint, for the message.
        key: Where the part stands in the config, for the message.

    Raises:
        CheckpointError: A stranger.
    """
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name in ('type', '_scope_'):
                _check_name(name, value, source, key)
            else:
                refuse_strangers(value, source, f'{key}.{name}')
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for place, value in enumerate(part):
            refuse_strangers(value, source, f'{key}.{place}')
    elif isinstance(part, str) and (
            '/' in part or '\\' in part or part.endswith(_FILES)):
        raise CheckpointError(
            f'The config in {source} is refused, since `{key}` names the '
            f'file or address {part!r}: {_MEND}')


def _check_name(kind: str, name: Any, source: str, key: str) -> None:
    registered, scopes = _known()
    if kind == '_scope_':
        good = name in scopes
    else:
        scope, _, last = str(name).rpartition('.')
        good = (not scope or scope in scopes) and last in registered
        good = good or name in _NMS or _is_registered(scope, last)
    if not good:
        raise CheckpointError(
            f'The config in {source} is refused, since `{key}.{kind}` is '
            f'{name!r}, which is not registered: import the module that '
            f'registers it first, or {_MEND}')


def _is_registered(module: str, name: str) -> bool:
    """Whether an address, as new-style configs write it, is registered.

    Only modules that are imported already are asked: nothing is executed.
    """
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and any(
        found is kind for registry in _registries()
        for kind in registry.module_dict.values())


def _known() -> tuple[set[str], set[str]]:
    """Names of all that is registered for networks and pipelines."""
    _import_all()
    names, scopes = set(), {'mmengine'}
    for registry in _registries():
        names |= set(registry.module_dict)
        scopes.add(registry.scope)
    return names, scopes


@lru_cache
def _import_all() -> None:
    assert mmdet.registry and mmseg.registry  # they hang on MMEngine's
    import_stock()
    with contextlib.redirect_stdout(io.StringIO()):
        for registry in list(_registries()):
            registry.import_from_location()


def _registries() -> Iterator[Registry]:
    for name in ('MODELS', 'TASK_UTILS', 'TRANSFORMS'):
        root = getattr(mmengine.registry, name)
        yield root
        yield from root.children.values()


def _config_of(content: dict[str, Any], source: str,
               config: str | Path | Mapping[str, Any] | None
               ) -> Mapping[str, Any]:
    if config is not None and not isinstance(config, str | Path):
        return config
    if config is not None:
        return load_config(config)
    text = _mapping(content, 'meta').get('cfg')
    if not isinstance(text, str):
        raise CheckpointError(
            f'{source} holds no config, only weights: give the config that '
            'it was trained with (--config).')
    return parse_config_text(text, source)


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An entry that should be a dict; an empty one where it is none."""
    value = content.get(key)
    return value if isinstance(value, Mapping) else {}


def _for_inference(cfg: Mapping[str, Any]) -> ConfigDict:
    """Without other weight files, predictions of the images' own size."""
    if isinstance(cfg.get('architecture'), Mapping):
        cfg = cfg['architecture']  # a student, without its teachers
    model = ConfigDict(_without(cfg, ('init_cfg', 'pretrained')))
    for key in ('flip_test', 'companions', 'balancer'):
        model.pop(key, None)
    heads = model.get('heads')
    for head in heads.values() if isinstance(heads, Mapping) else ():
        if isinstance(head, Mapping) and isinstance(
                head.get('test_cfg'), Mapping):
            head['test_cfg'].pop('eval_size', None)
    return model


def _without(part: Any, keys: Sequence[str]) -> Any:
    if isinstance(part, Mapping):
        return {
            name: _without(value, keys)
            for name, value in part.items() if name not in keys
        }
    if isinstance(part, list | tuple):
        return type(part)(_without(value, keys) for value in part)
    return part


def _pipeline(dataset: Any) -> Sequence[Mapping[str, Any]]:
    """The pipeline of a data set or of what it wraps."""
    if not isinstance(dataset, Mapping):
        return []
    if dataset.get('pipeline'):
        return dataset['pipeline']
    inner = dataset.get('dataset') or (dataset.get('datasets') or [None])[0]
    return _pipeline(inner)


def _named_classes(model: MultiTaskDetSeg,
                   meta: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    named = {}
    for task, head in model.heads.items():
        own = meta.get(task, {})
        kind = model.tasks[task].kind
        said: dict[str, Any] = {}
        if kind != kind_of(task):
            said['kind'] = kind
        if kind not in (BOXES, CLASSES):
            unit = {k: str(own[k]) for k in ('unit', ) if own.get(k)}
            named[task] = {**said, **unit}
            continue
        count = getattr(head, 'num_classes', 0)
        classes = own.get('classes') or [f'class {k}' for k in range(count)]
        named[task] = dict(
            **said,
            classes=tuple(map(str, classes)),
            palette=own.get('palette'))
    return named
