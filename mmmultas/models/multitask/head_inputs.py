"""What a head reads: levels of the neck, or parts of other heads."""
import difflib
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmmultas.utils.errors import ConfigError

from ..tasks.base import Levels, Task
from .taps import OUTPUTS

__all__ = [
    'HeadInput', 'check_inputs', 'graded', 'levels_of', 'ordered',
    'parse_inputs', 'weighed'
]

_NECK = 'neck'


class HeadInput(NamedTuple):
    """One thing that a head reads.

    Attributes:
        name: As the config says it: ``neck``, ``neck.1``, ``seg.decoder``.
        key: Config key of the head, for messages.
        head: The task whose head is read; ``''`` for the neck.
        path: Module of that head; ``''`` for its raw outputs.
        level: Index of the neck's level; None for all.
        grad: Factor of the gradients that flow back, 0 (none) to 1.
    """
    name: str
    key: str
    head: str = ''
    path: str = OUTPUTS
    level: int | None = None
    grad: float = 1.0


def parse_inputs(task: str, inputs: Any = None,
                 feature_grad: Any = None) -> tuple[HeadInput, ...]:
    """Read ``heads.X.inputs`` and ``heads.X.feature_grad``.

    Args:
        task: Name of the task.
        inputs: Names, one may stand without brackets; default the neck.
        feature_grad: A factor in [0, 1] for all inputs, or one by name.

    Raises:
        ConfigError: Something else, or a factor for what is not read.
    """
    key = f'model.heads.{task}'
    names = (inputs, ) if isinstance(inputs, str) else tuple(inputs
                                                             or (_NECK, ))
    for name in names:
        if not isinstance(name, str) or not name:
            raise ConfigError(f"`{key}.inputs` wants names such as 'neck', "
                              f"'neck.0' or 'seg.decoder', got {name!r}.")
    grads = feature_grad if isinstance(feature_grad, Mapping) else {
        name: feature_grad for name in names if feature_grad is not None}
    for name, value in grads.items():
        if name not in names:
            raise ConfigError(f'`{key}.feature_grad` names {name!r}, but the '
                              f'head reads {", ".join(names)}.')
        if (isinstance(value, bool) or not isinstance(value, int | float)
                or not 0 <= value <= 1):
            raise ConfigError(f'`{key}.feature_grad` is a factor from 0 (no '
                              f'gradient) to 1, got {value!r}.')
    return tuple(_parsed(name, key, float(grads.get(name, 1)))
                 for name in names)


def _parsed(name: str, key: str, grad: float) -> HeadInput:
    first, _, rest = name.partition('.')
    if first != _NECK:
        return HeadInput(name, key, first, rest, None, grad)
    if rest and not rest.isdigit():
        raise ConfigError(f"`{key}.inputs` names {name!r}: levels of the neck "
                          "are numbers, for example 'neck.0'.")
    return HeadInput(name, key, '', OUTPUTS, int(rest) if rest else None,
                     grad)


def check_inputs(inputs: dict[str, tuple[HeadInput, ...]],
                 tasks: Mapping[str, Task],
                 heads: Mapping[str, nn.Module]) -> None:
    """Resolve named taps in place; refuse what does not exist.

    Raises:
        ConfigError: An unknown head or part, or a head that cannot be read.
    """
    for task, parts in inputs.items():
        inputs[task] = tuple(
            _resolved(x, tasks, heads) if x.head else x for x in parts)


def _resolved(x: HeadInput, tasks: Mapping[str, Task],
              heads: Mapping[str, nn.Module]) -> HeadInput:
    if x.head not in heads:
        raise ConfigError(f'`{x.key}.inputs` names {x.name!r}, but the heads '
                          f'are {", ".join(sorted(heads))}.')
    head = heads[x.head]
    if not tasks[x.head].splits(head):
        raise ConfigError(
            f'`{x.key}.inputs` reads the head {x.head!r}, but a '
            f'{type(head).__name__} finds its loss and its predictions in a '
            'way of its own: read the neck, or take another head.')
    named = dict(getattr(head, 'taps', {}))
    path = named.get(x.path, x.path)
    modules = dict(head.named_modules())
    if path not in modules:
        near = difflib.get_close_matches(x.path, [*named, *modules], 1)
        hint = f'did you mean {x.head}.{near[0]}?' if near else (
            f'it offers {", ".join(f"{x.head}.{n}" for n in named) or "none"},'
            ' or the path of a module.')
        raise ConfigError(f'`{x.key}.inputs` names {x.name!r}, which a '
                          f'{type(head).__name__} does not have: {hint}')
    return x._replace(path=path)


def ordered(inputs: Mapping[str, Sequence[HeadInput]]) -> tuple[str, ...]:
    """The tasks, those that are read first, else as they are given.

    Raises:
        ConfigError: A circle.
    """
    graph = TopologicalSorter(
        {task: [x.head for x in parts if x.head]
         for task, parts in inputs.items()})
    try:
        graph.prepare()
    except CycleError as error:
        raise ConfigError(
            'Heads read one another in a circle '
            f'({" ← ".join(error.args[1])}): mend their `inputs`.') from error
    order: list[str] = []
    while graph.is_active():
        ready = graph.get_ready()
        order += [task for task in inputs if task in ready]
        graph.done(*ready)
    return tuple(order)


def levels_of(x: HeadInput, found: Any) -> Levels:
    """What was found as a tuple of levels.

    Raises:
        ConfigError: Something else than feature maps, or no such level.
    """
    levels = (found, ) if isinstance(found, Tensor) else found
    if not isinstance(levels, list | tuple) or not all(
            isinstance(level, Tensor) and level.dim() == 4
            for level in levels):
        raise ConfigError(
            f'`{x.key}.inputs` names {x.name!r}, which does not put out '
            'feature maps: read another part of the head.')
    if x.level is None:
        return tuple(levels)
    if x.level >= len(levels):
        raise ConfigError(f'`{x.key}.inputs` names {x.name!r}, but the neck '
                          f'gives {len(levels)} levels (0 to '
                          f'{len(levels) - 1}).')
    return (levels[x.level], )


class _Graded(torch.autograd.Function):
    """The same values; gradients times a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.factor, None


class _Weighed(torch.autograd.Function):
    """The same values; gradients times what stands in a table by then."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factors: Mapping[str, float],
                task: str) -> Tensor:
        ctx.factors, ctx.task = factors, task
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        factor = ctx.factors.get(ctx.task, 1.0)
        return grads[0] if factor == 1 else grads[0] * factor, None, None


def weighed(levels: Levels, factors: Mapping[str, float] | None,
            task: str) -> Levels:
    """Levels whose gradients a balancer scales on their way back.

    Args:
        levels: (N, C, H, W) each.
        factors: Task → factor, filled before the backward pass; None where
            nobody fills it.
        task: The task whose head reads them.
    """
    if factors is None:
        return levels
    return tuple(_Weighed.apply(level, factors, task) for level in levels)


def graded(levels: Levels, factor: float) -> Levels:
    """Levels whose gradients are scaled on their way back.

    Args:
        levels: (N, C, H, W) each.
        factor: 1 leaves them as they are, 0 cuts the graph.
    """
    if factor == 1:
        return levels
    if factor == 0:
        return tuple(level.detach() for level in levels)
    return tuple(_Graded.apply(level, factor) for level in levels)
