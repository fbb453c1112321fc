"""Parts of a model from their configs; mistakes name the key."""
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmmultas.registry import TASKS
from mmmultas.utils.errors import ConfigError

from ..tasks.base import Task

__all__ = ['build_part', 'build_tasks', 'check_known', 'check_weights']


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


def build_tasks(heads: Mapping[str, dict[str, Any]]) -> dict[str, Task]:
    """The adapter of each task; a head of None is no head.

    Raises:
        ConfigError: No head at all, or an unknown task.
    """
    heads = {name: cfg for name, cfg in heads.items() if cfg is not None}
    if not heads:
        raise ConfigError('`model.heads` is empty: give a head to at least '
                          'one task, for example heads=dict(det=...).')
    tasks = {}
    for name, cfg in heads.items():
        adapter = TASKS.get(name)
        if adapter is None:
            raise ConfigError(
                f'`model.heads` names the unknown task {name!r}: known are '
                f'{sorted(TASKS.module_dict)}.')
        tasks[name] = adapter(cfg)
    return tasks


def build_part(key: str, build: Any, cfg: dict[str, Any]) -> nn.Module:
    """Build a part; a wrong type or argument names its config key."""
    try:
        module: nn.Module = build(cfg)
    except (KeyError, TypeError) as error:
        text = str(error.args[0] if error.args else error)
        raise ConfigError(f'`model.{key}` cannot be built: '
                          f'{" ".join(text.split())}') from error
    return module
