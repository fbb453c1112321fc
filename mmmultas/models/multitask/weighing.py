"""From the losses of an update to what each is multiplied by."""
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mmmultas.utils.errors import ConfigError

from ..balancers import Balancer, Fixed
from .pool import Pool
from .task_gradients import (gram_of, refuse_gradients, shared_parameters,
                             task_gradients)

__all__ = [
    'PSEUDO', 'check_balancer', 'factors_of', 'owner_of', 'task_losses',
    'unbalanced'
]

#: Group of losses that belong to the task that they name next.
PSEUDO = 'pseudo'


def owner_of(name: str, tasks: Mapping[str, Any]) -> str:
    """The task or group that a loss belongs to.

    Pseudo-labels of a task belong to the task; what other companions say is
    a group of its own.

    Example:
        >>> owner_of('det.loss_cls', {'det': 0}), owner_of('kd.loss', {})
        ('det', 'kd')
        >>> owner_of('pseudo.det.loss_cls', {'det': 0})
        'det'
    """
    first, _, rest = name.partition('.')
    second = rest.partition('.')[0]
    return second if first == PSEUDO and second in tasks else first


def check_balancer(model: Any) -> None:
    """Refuse a balancer that the model's parts do not allow.

    Args:
        model: The network, all its parts built.

    Raises:
        ConfigError: See the sentences.
    """
    balancer: Balancer = model.balancer
    who = f'`model.balancer` {type(balancer).__name__}'
    if isinstance(balancer, Fixed):
        return
    balancer.meet(tuple(model.tasks))
    if balancer.needs_gram:
        refuse_gradients(model, balancer.module, who,
                         'take mmmultas.Uncertainty')
        if not shared_parameters(model, balancer.module):
            raise ConfigError(
                f'{who} looks at gradients of {" and ".join(balancer.module)}'
                ', but all of it is frozen: name a part that learns as '
                '`model.balancer.module`, or leave the balancer out.')
    if not balancer.spares_heads:
        return
    if any(x.head for inputs in model.graph.inputs.values() for x in inputs):
        raise ConfigError(
            f'{who} weighs tasks where heads read the encoder, but a head '
            'reads another head: take a balancer that weighs losses, such '
            'as mmmultas.Uncertainty.')
    if model.companions:
        raise ConfigError(
            f'{who} weighs tasks where heads read the encoder; what '
            '`model.companions` say about heads would be weighed as well: '
            'leave one of them out, or take a balancer that weighs losses, '
            'such as mmmultas.Uncertainty.')
    model.graph.factors = {}


def task_losses(model: Any, joint: Pool) -> dict[str, Tensor]:
    """Joint losses by task and by group of companions, weighted.

    Args:
        model: The network, whose fixed factors are applied.
        joint: Values of all processes.
    """
    return joint.values(lambda name: owner_of(name, model.tasks),
                        fixed_factor(model))


Factor = Callable[[str], float | Tensor]


def fixed_factor(model: Any) -> Callable[[str], float]:
    """What a loss is multiplied by without a balancer.

    Labels of a task have its ``task_weights``; pseudo-labels and what other
    companions say have weights of their own, which are applied already.

    Args:
        model: The network.
    """
    base: Mapping[str, float] = model.task_weights
    return lambda name: float(base.get(name.partition('.')[0], 1.0))


def factors_of(model: Any, losses: Mapping[str, Tensor],
               joint: Pool | None) -> tuple[Factor, Factor]:
    """What each loss is multiplied by: in the log, and on its way back.

    The first is ``task_weights`` alone, so that curves of losses tell how
    well a task is learnt whatever a balancer does.

    Args:
        model: The network.
        losses: ``task.term`` → scalar of this process, with its graph.
        joint: Values of all processes.
    """
    balancer, fixed = model.balancer, fixed_factor(model)
    if isinstance(balancer, Fixed) or joint is None:
        return fixed, fixed

    def owner(name: str) -> str:
        return owner_of(name, model.tasks)

    values = task_losses(model, joint)
    gram = None
    if balancer.needs_gram:
        values = {t: v for t, v in values.items() if t in model.tasks}
        if balancer.wants_gram(values):
            gram = _gram(model, values, {
                name: fixed(name) * value for name, value in losses.items()})
        weights = balancer.weights(values, gram)
    else:
        weights = balancer.weights(values)
    if model.graph.factors is not None:
        model.graph.factors.update({
            task: share / float(weights.get(task, 1.0))
            for task, share in balancer.shared().items()})
    return fixed, lambda name: fixed(name) * weights.get(owner(name), 1.0)


def unbalanced(logs: Mapping[str, Tensor], losses: Mapping[str, Tensor],
               base: Factor) -> dict[str, Tensor]:
    """The log of losses as they would be without a balancer.

    Args:
        logs: What the model says of balanced losses.
        losses: ``task.term`` → scalar.
        base: Fixed factor of each.
    """
    terms = {name: base(name) * value.detach()
             for name, value in losses.items()}
    return {**logs, **terms, 'loss': torch.stack(list(terms.values())).sum()}


def _gram(model: Any, values: Mapping[str, Tensor],
          losses: Mapping[str, Tensor]) -> Tensor:
    """Products of the gradients of the tasks, in the order of ``values``."""
    own: dict[str, Tensor | None] = dict.fromkeys(values)
    for name, value in losses.items():
        task = owner_of(name, model.tasks)
        if task in own:
            other = own[task]
            own[task] = value if other is None else other + value
    shared = shared_parameters(model, model.balancer.module)
    return gram_of(task_gradients(own, shared, model.loss_scale))
