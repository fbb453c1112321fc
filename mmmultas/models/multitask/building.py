"""Parts of a model from their configs; mistakes name the key."""
import functools
from collections.abc import Mapping
from typing import Any

from mmengine.model import ModuleDict
from torch import nn

from mmmultas.registry import MODELS, TASKS
from mmmultas.structures import DET, SEG, check_name, kind_of
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

from ..balancers import Balancer, Fixed
from ..companions.base import Companion
from ..tasks.base import Task
from .head_inputs import HeadInput, parse_inputs

__all__ = [
    'build_balancer', 'build_companions', 'build_part', 'build_tasks',
    'check_known', 'check_weights'
]


def check_known(task: str, tasks: Mapping[str, Any]) -> None:
    """Refuse a task that has no head.

    Raises:
        ConfigError: It has none.
    """
    if task not in tasks:
        raise ConfigError(f'The model has no head for task {task!r}: it has '
                          f'{sorted(tasks)} (config key `model.heads`).')


def check_weights(weights: Mapping[str, float],
                  tasks: Mapping[str, Task]) -> dict[str, float]:
    """A weight for every task, 1 where none is said.

    Raises:
        ConfigError: A weight for a task without a head.
    """
    for task in weights:
        if task not in tasks:
            raise ConfigError(
                f'`model.task_weights` names {task!r}, but the heads are '
                f'{sorted(tasks)}: mend the name or remove it.')
    return {task: float(weights.get(task, 1)) for task in tasks}


def build_tasks(
    heads: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, Task], dict[str, tuple[HeadInput, ...]]]:
    """The adapter of each task, and what its head reads.

    A head of None is no head.

    Raises:
        ConfigError: No head at all, an unknown kind, or a name that clashes.
    """
    heads = {name: cfg for name, cfg in heads.items() if cfg is not None}
    if not heads:
        raise ConfigError('`model.heads` is empty: give a head to at least '
                          'one task, for example heads=dict(det=...).')
    tasks, inputs = {}, {}
    for name, cfg in heads.items():
        cfg = dict(cfg)
        kind = cfg.pop('kind', None) or kind_of(name)
        adapter = TASKS.get(kind)
        if adapter is None:
            raise ConfigError(
                f'`model.heads.{name}` is of the unknown kind {kind!r}: say '
                f'one of {", ".join(sorted(TASKS.module_dict))} as its '
                '`kind`.')
        _check_name(name)
        if name in (DET, SEG) and kind != kind_of(name):
            raise ConfigError(
                f'`model.heads.{name}.kind` is {kind!r}, but {name!r} means '
                f'{kind_of(name)!r}: give the task another name.')
        inputs[name] = parse_inputs(name, cfg.pop('inputs', None),
                                    cfg.pop('feature_grad', None))
        tasks[name] = adapter(cfg, name)
    return tasks, inputs


def _check_name(name: str) -> None:
    check_name(name, '`model.heads`')
    if name in ('neck', 'backbone'):
        raise ConfigError(f'`model.heads` names a task {name!r}, which '
                          '`inputs` of heads take for that part of the '
                          'model: choose another name.')
    if hasattr(nn.ModuleDict, name):
        raise ConfigError(f'`model.heads` cannot hold the name {name!r}, '
                          'which is one of its methods: choose another.')


def build_balancer(cfg: dict[str, Any] | None,
                   weights: Mapping[str, float]) -> Balancer:
    """The rule that weighs tasks; fixed weights where none is named.

    Raises:
        ConfigError: It is no balancer.
    """
    if cfg is None:
        return Fixed(weights)
    balancer = build_part('balancer', MODELS.build, cfg)
    if not isinstance(balancer, Balancer):
        raise ConfigError('`model.balancer` is a '
                          f'{type(balancer).__name__}, no Balancer.')
    if isinstance(balancer, Fixed):
        raise ConfigError('`model.balancer` need not be Fixed: name the '
                          'weights as `model.task_weights`.')
    return balancer


def build_companions(cfgs: Mapping[str, dict[str, Any]],
                     model: Any) -> ModuleDict:
    """The companions by name; each is built for its model.

    Raises:
        ConfigError: One of another kind, or two that name losses alike.
    """
    companions, groups = ModuleDict(), dict.fromkeys(model.tasks, 'heads')
    shared: set[str] = set()
    for name, cfg in mapping_of('model.companions', cfgs).items():
        key = f'companions.{name}'
        if not str(name).isidentifier() or name == 'balancer' or hasattr(
                ModuleDict, name):
            raise ConfigError(f'`model.companions` cannot hold the name '
                              f'{name!r}: choose another.')
        cfg = dict(mapping_of(f'model.{key}', cfg))
        known = dict(student=model, key=f'model.{key}')
        build = functools.partial(MODELS.build, default_args=known)
        built = build_part(key, build, cfg)
        if not isinstance(built, Companion):
            raise ConfigError(f'`model.{key}` is a {type(built).__name__}, '
                              'no Companion.')
        for group in built.groups:
            if group in groups and not (group in shared
                                        and built.shares_groups):
                raise ConfigError(
                    f'`model.{key}` and `model.{groups[group]}` both name '
                    f'losses `{group}.…`: rename one of them.')
            groups[group] = key
            if built.shares_groups:
                shared.add(group)
        companions[name] = built
    return companions


def build_part(key: str, build: Any, cfg: dict[str, Any]) -> nn.Module:
    """Build a part; a wrong type or argument names its config key."""
    try:
        module: nn.Module = build(cfg)
    except (KeyError, TypeError) as error:
        text = str(error.args[0] if error.args else error)
        raise ConfigError(f'`model.{key}` cannot be built: '
                          f'{" ".join(text.split())}') from error
    return module
