"""Gradients of the tasks on what they share, from the graph of an update."""
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from mmmultas.utils.errors import ConfigError

__all__ = ['gram_of', 'refuse_gradients', 'shared_parameters',
           'task_gradients']


def shared_parameters(model: nn.Module,
                      parts: Sequence[str]) -> list[nn.Parameter]:
    """Parameters of some parts that are trained, each once.

    Args:
        model: The network.
        parts: Dotted paths; a model without a neck has none.

    Raises:
        ConfigError: An unknown part.
    """
    found: dict[int, nn.Parameter] = {}
    for path in parts:
        if path == 'neck' and getattr(model, 'neck', None) is None:
            continue
        found.update((id(p), p) for p in _part(model, path).parameters()
                     if p.requires_grad)
    return list(found.values())


def task_gradients(losses: Mapping[str, Tensor | None],
                   shared: Sequence[nn.Parameter],
                   factor: float = 1.0) -> dict[str, Tensor]:
    """The gradient of each task, of the joint batch of all processes.

    All processes name the same tasks in the same order.

    Args:
        losses: Scalars with a graph, which stays; None where this process
            has no label of a task.
        shared: Parameters that count.
        factor: What losses are multiplied by on their way (mixed
            precision's scale); gradients are divided by it again.

    Returns:
        dict: Task → (P,) float32.
    """
    found = {}
    for task, loss in losses.items():
        grads: Sequence[Tensor | None] = [None] * len(shared)
        if loss is not None and loss.requires_grad:
            grads = torch.autograd.grad(
                factor * loss, list(shared), retain_graph=True,
                allow_unused=True)
        flat = torch.cat([
            torch.zeros_like(weight).flatten()
            if grad is None else grad.flatten()
            for weight, grad in zip(shared, grads)
        ]).float()
        all_reduce(flat, op='mean')
        found[task] = flat / factor if factor != 1 else flat
    return found


def gram_of(gradients: Mapping[str, Tensor]) -> Tensor:
    """Products of gradients (T, T), float64 on the CPU, in their order."""
    rows = torch.stack(list(gradients.values()))
    return (rows @ rows.T).double().cpu()


def refuse_gradients(model: nn.Module, parts: Sequence[str], who: str,
                     mend: str) -> None:
    """Refuse what leaves no graph to go back through once per task.

    Args:
        model: The network.
        parts: Dotted paths of what is shared.
        who: Who asks, for the message.
        mend: What else can be done.

    Raises:
        ConfigError: Checkpointed or compiled parts, or sequential updates.
    """
    if getattr(model, 'sequential', False):
        raise ConfigError(
            f'{who} compares losses of one graph, but `model.sequential` '
            'frees that of each stream before the next: set '
            f'`model.sequential=False` or {mend}.')
    shared = [_part(model, path) for path in parts
              if getattr(model, path.split('.')[0], None) is not None]
    modules = [m for part in shared for m in part.modules()]
    if any(getattr(m, 'with_cp', False) for m in modules):
        raise ConfigError(
            f'{who} cannot look into a part with `with_cp=True`, which keeps '
            f'no graph: set it to False or {mend}.')


def _part(model: Any, path: str) -> nn.Module:
    """A part of the network by its path.

    Raises:
        ConfigError: There is none.
    """
    try:
        part: nn.Module = model.get_submodule(path)
    except AttributeError as error:
        names = [name for name, _ in model.named_modules() if name]
        near = difflib.get_close_matches(path, names, 1)
        have = sorted(name for name, _ in model.named_children())
        raise ConfigError(
            f'{path!r} is no part of the model: ' +
            (f'did you mean {near[0]!r}?' if near else
             f'it has {", ".join(have)}.')) from error
    return part
