"""Rules that look at losses alone (SPEC-BALANCE 2)."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmmultas.functional import balancing
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .base import Run
from .task_balancer import (TaskBalancer, UpdateBalancer, refuse_alternation,
                            seed_of)

__all__ = [
    'DWA', 'FAMO', 'GLS', 'RLW', 'STCH', 'UWSO', 'Uncertainty', 'positive',
    'share_of'
]


def positive(balancer: Any, **values: Any) -> None:
    """Numbers above 0 become attributes.

    Raises:
        ConfigError: One is none.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(
                value, int | float) or not 0 < value < float('inf'):
            raise ConfigError(f'`model.balancer.{name}` is a number above 0, '
                              f'not {value!r}.')
        setattr(balancer, name, value)


def share_of(balancer: Any, **values: Any) -> None:
    """Numbers above 0 and below 1 become attributes.

    Raises:
        ConfigError: One is none.
    """
    positive(balancer, **values)
    for name, value in values.items():
        if value >= 1:
            raise ConfigError(f'`model.balancer.{name}` is below 1, not '
                              f'{value}.')


def _refuse_short(balancer: TaskBalancer, run: Run, first: int) -> None:
    if run.epochs <= first:
        raise ConfigError(
            f'`model.balancer` {type(balancer).__name__} compares epochs: its '
            f'first {first} tell nothing yet, and `train_cfg.max_epochs` is '
            f'{run.epochs}. Train for more (shorter) epochs, or take '
            'mmmultas.Uncertainty.')


@MODELS.register_module()
class Uncertainty(TaskBalancer):
    """e^-s / 2 with a learnt s per task (Kendall et al., as LibMTL has it).

    s follows the slope of Σ L e^-s / 2 + s / 2 by plain gradient descent; an
    absent task's s stays.

    Args:
        lr: Step of s.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    states = dict(log_var=-0.5)
    streams_apart = True
    log_var: Tensor

    def __init__(self, lr: float = 0.025, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, lr=lr)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The weights before the step, and the step."""
        log_var = self.log_var.cpu().clone()
        weights, slope = balancing.uncertainty(log_var[here], losses)
        log_var[here] -= self.lr * slope
        self.keep('log_var', log_var)
        return weights


@MODELS.register_module()
class DWA(TaskBalancer):
    """T softmax(r / temperature), r = ratio of the last two epochs' means.

    1 in the first two epochs. A mean is that of the means of the updates in
    which the task was present, as in LibMTL, not of all their labels; a task
    that an epoch lacked has r = 1.

    Args:
        temperature: Large: all tasks alike.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    states = dict(last=0.0, before=0.0, total=0.0, count=0.0, epoch=0.0)
    streams_apart = True
    last: Tensor
    before: Tensor
    total: Tensor
    count: Tensor
    epoch: Tensor

    def __init__(self, temperature: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, temperature=temperature)

    def meet_run(self, run: Run) -> None:
        """Refuse a run that is over before the weights move.

        Raises:
            ConfigError: Two epochs or less.
        """
        super().meet_run(run)
        _refuse_short(self, run, 2)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """Weights of this epoch; its losses are added up."""
        state = {name: getattr(self, name).cpu().clone()
                 for name in self.states}
        now = self.current_epoch
        if now > state['epoch'][0]:
            state['before'] = state['last']
            state['last'] = torch.where(
                state['count'] > 0,
                state['total'] / state['count'].clamp(min=1), 0.)
            state['total'] = torch.zeros_like(state['total'])
            state['count'] = torch.zeros_like(state['count'])
            state['epoch'] = torch.full_like(state['epoch'], float(now))
        state['total'][here] += losses
        state['count'][here] += 1
        for name, value in state.items():
            self.keep(name, value)
        if now < 2:
            return torch.ones_like(losses)
        known = (state['last'] > 0) & (state['before'] > 0)
        last = torch.where(known, state['last'], 1.)
        before = torch.where(known, state['before'], 1.)
        return balancing.dwa(last, before, self.temperature)[here]


@MODELS.register_module()
class UWSO(UpdateBalancer):
    """softmax(1 / (temperature L)): arXiv 2408.07985.

    Args:
        temperature: Large: all tasks alike.
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, temperature: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, temperature=temperature)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        return balancing.uw_so(losses, self.temperature)


@MODELS.register_module()
class RLW(UpdateBalancer):
    """softmax of normal draws, new in each update: a test of all others.

    Args:
        seed: Of the draws, beside that of the run.
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed_of(seed)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        return balancing.rlw(torch.randn(
            len(losses), generator=self.generator(self.seed),
            dtype=torch.float64))


@MODELS.register_module()
class GLS(UpdateBalancer):
    """The geometric mean of the losses, or its logarithm.

    Args:
        scale_invariant: The logarithm: each task weighs 1 / L.
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, scale_invariant: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale_invariant = scale_invariant

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        return balancing.gls(losses, self.scale_invariant)


@MODELS.register_module()
class FAMO(TaskBalancer):
    """z / (L c), z = softmax(v), c = sum of z / L (Liu et al., 2023).

    After each step of the optimizer its batches pass the network once more,
    and v moves by Adam, so that the task whose loss fell least (by share)
    weighs more. Softmax and c are over the tasks that are present; v moves
    for those that are present in both readings, if these are two or more.

    Args:
        lr: Of Adam.
        gamma: Weight decay of v.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    needs_after = True
    states = dict(logits=0.0, mean=0.0, square=0.0, steps=0.0)
    logits: Tensor
    mean: Tensor
    square: Tensor
    steps: Tensor

    def __init__(self, lr: float = 0.025, gamma: float = 1e-3,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, lr=lr)
        if gamma != 0:
            positive(self, gamma=gamma)
        self.gamma = gamma

    def meet_run(self, run: Run) -> None:
        """Refuse updates that hold the labels of one stream.

        Raises:
            ConfigError: ``train_cfg.alternate='epoch'``.
        """
        super().meet_run(run)
        refuse_alternation(self, run)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        return balancing.famo(self.logits.cpu()[here], losses)

    def after_step(self, readings: Sequence[tuple[Mapping[str, Tensor],
                                                  Mapping[str, Tensor]]]
                   ) -> None:
        """Adam's step, by the mean slope of the batches."""
        logits = self.logits.cpu()
        total, count = torch.zeros(2, len(logits), dtype=torch.float64)
        for before, after in readings:
            here = [i for i, task in enumerate(self.tasks)
                    if _is_loss(before, task) and _is_loss(after, task)]
            if len(here) < 2:
                continue
            old, new = (torch.tensor([
                float(losses[self.tasks[i]]) for i in here]).double()
                for losses in (before, after))
            total[here] += balancing.famo_slope(logits[here], old, new,
                                                self.gamma)
            count[here] += 1
        here = (count > 0).nonzero().flatten()
        slope = total[here] / count[here]
        mean, square, steps = (getattr(self, name).cpu()[here]
                               for name in ('mean', 'square', 'steps'))
        step, mean, square = balancing.adam(slope, mean, square, steps + 1)
        for name, value in dict(
                logits=logits[here] - self.lr * step, mean=mean,
                square=square, steps=steps + 1).items():
            own = getattr(self, name)
            own[here] = value.to(own)


def _is_loss(losses: Mapping[str, Tensor], task: str) -> bool:
    return 0 < float(losses.get(task, 0.)) < float('inf')


@MODELS.register_module()
class STCH(TaskBalancer):
    """Smooth Tchebycheff: the task that lags behind its start weighs most.

    In the first ``warmup`` epochs tasks weigh 1 / L; the mean loss of the
    last of them is what they are measured against.

    Args:
        warmup: Epochs.
        mu: Large: all tasks alike.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    states = dict(total=0.0, count=0.0)
    total: Tensor
    count: Tensor

    def __init__(self, warmup: int = 4, mu: float = 1.0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, mu=mu)
        if isinstance(warmup, bool) or not isinstance(
                warmup, int) or warmup < 1:
            raise ConfigError('`model.balancer.warmup` is a number of epochs, '
                              f'1 or more, not {warmup!r}.')
        self.warmup = warmup

    def meet_run(self, run: Run) -> None:
        """Refuse a run that is over before the warm-up, or updates that hold
        the labels of one stream: their one task would weigh 1 / L for ever.

        Raises:
            ConfigError: No epoch is left behind it, or
                ``train_cfg.alternate='epoch'``.
        """
        super().meet_run(run)
        refuse_alternation(self, run)
        _refuse_short(self, run, self.warmup)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """1 / L and sums in the warm-up; then the formula."""
        now = self.current_epoch
        total, count = self.total.cpu().clone(), self.count.cpu().clone()
        if now == self.warmup - 1:
            total[here] += losses
            count[here] += 1
            self.keep('total', total)
            self.keep('count', count)
        if now < self.warmup:
            return 1 / losses
        known = count[here] > 0
        reference = torch.where(
            known, total[here] / count[here].clamp(min=1), losses)
        return balancing.stch(losses, reference, self.mu)
