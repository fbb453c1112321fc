"""What published balancers share: presence, state, draws (SPEC-BALANCE 4)."""
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmmultas.utils.errors import ConfigError

from .base import Balancer, Run

__all__ = [
    'TaskBalancer', 'UpdateBalancer', 'refuse_alternation', 'seed_of'
]


class TaskBalancer(Balancer):
    """A rule over tasks, some of which an update may lack.

    A task is present if processes counted something for it and its joint
    loss is above 0. Rules with a state know all tasks: they weigh those that
    are present, do not make up for the others, and leave their state alone.

    Args:
        scale: ``'own'``: factors as published; ``'sum'``: their sum is the
            number of tasks that are present, so that the learning rate keeps
            its meaning.
        module: Parts of the model that tasks share, as dotted paths, where
            gradients are looked at. The last shared layer alone,
            ``'neck.fpn_convs'``, costs less.

    Raises:
        ConfigError: Another scale, or parts that nobody looks at.
    """
    #: Whether it weighs a single present task by 1, whatever its formula.
    alone_is_one = False
    #: State: buffer → its first value for each task.
    states: Mapping[str, float] = {}

    def __init__(self,
                 scale: str = 'own',
                 module: Sequence[str] | str | None = None) -> None:
        super().__init__()
        if scale not in ('own', 'sum'):
            raise ConfigError("`model.balancer.scale` is 'own' or 'sum', not "
                              f'{scale!r}.')
        if module is not None and not self.needs_gram:
            raise ConfigError('`model.balancer.module` would change nothing: '
                              f'{type(self).__name__} looks at no gradient; '
                              'leave it out.')
        if module is not None:
            self.module = (module, ) if isinstance(module, str) else tuple(
                module)
            if not self.module:
                raise ConfigError(
                    '`model.balancer.module` names no part: leave it out for '
                    "backbone and neck, or name one, 'neck' for example.")
        self.scale = scale
        self.tasks: tuple[str, ...] = ()
        self.update = 0
        self.run: Run | None = None
        self.fallbacks = 0
        self._pending: dict[str, Tensor] = {}
        self._steps: dict[str, tuple[Any, Any]] = {}
        self._batches = 0
        self._shared: dict[str, float] = {}
        self._found: dict[str, float] = {}
        self._cosines: dict[str, float] = {}

    def meet(self, tasks: Sequence[str]) -> None:
        """Make room for a state of each task.

        Raises:
            ConfigError: There is one task only.
        """
        if len(tasks) < 2:
            raise ConfigError(
                f'`model.balancer` {type(self).__name__} weighs tasks '
                f'against one another, but {", ".join(tasks) or "none"} is '
                'all there is: leave it out.')
        self.tasks = tuple(tasks)
        for name, first in self.states.items():
            self.register_buffer(
                name, torch.full((len(tasks), ), first, dtype=torch.float64))

    def meet_run(self, run: Run) -> None:
        """Remember how long an epoch is, and how batches accumulate."""
        self.run = run

    @property
    def current_epoch(self) -> int:
        """The epoch of this update; 0 where nobody trains."""
        return self.update // self.run.epoch_length if self.run else 0

    def set_update(self, update: int) -> None:
        """Remember it: draws and epochs follow it."""
        self.update = update

    def present(self, losses: Mapping[str, Tensor]) -> list[str]:
        """The tasks whose joint loss is above 0."""
        return [t for t in self.tasks if float(losses.get(t, 0.)) > 0]

    def wants_gram(self, losses: Mapping[str, Tensor]) -> bool:
        """Not where one task is alone, and weighs 1 whatever it says."""
        least = 2 if self.alone_is_one else 1
        return self.needs_gram and len(self.present(losses)) >= least

    def weights(self, losses: Mapping[str, Tensor],
                gram: Tensor | None = None) -> Mapping[str, float]:
        """Factors of the heads; :meth:`shared` has those of the rest."""
        self._pending, self._shared = {}, {}
        self._found, self._cosines = {}, {}
        values = {t: float(losses[t]) for t in losses if t in self.tasks}
        rows = {task: i for i, task in enumerate(losses)}
        present = self.present(losses)
        if not present or not all(map(math.isfinite, values.values())):
            return {}
        if len(present) == 1 and self.alone_is_one:
            return {}
        part = None
        if gram is not None:
            index = [rows[t] for t in present]
            part = gram[index][:, index]
            if not torch.isfinite(part).all():
                self._fall_back()
                return {}
            # who does not reach the shared part is in no conflict
            reach = (part.diagonal() > 0).nonzero().flatten().tolist()
            present = [present[i] for i in reach]
            part = part[reach][:, reach]
            self._cosines = _cosines(present, part)
            if len(present) < 2 and (self.alone_is_one or not present):
                return {}
        vector = torch.tensor([values[t] for t in present]).double()
        here = torch.tensor([self.tasks.index(t) for t in present])
        shared = self.rule(vector, here, part)
        if not torch.isfinite(shared).all():
            self._fall_back()
            shared = torch.ones_like(shared)
        if self.scale == 'sum':
            shared = self._scaled(shared)
        named = self._found = dict(zip(present, shared.tolist()))
        if not self.spares_heads:
            return named
        self._shared = named
        return dict(zip(present, self.heads(vector, here).tolist()))

    def _scaled(self, shared: Tensor) -> Tensor:
        """Factors whose sum is their number; 1 where their sum is no size.

        Those of Aligned-MTL may be negative: a sum near 0 or below would
        blow them up, or turn all of them round.
        """
        if shared.sum() < .1 * shared.abs().sum():
            self._fall_back()
            return torch.ones_like(shared)
        return shared * len(shared) / shared.sum()

    def _fall_back(self) -> None:
        """All tasks weigh 1 in this update; it is said once and counted."""
        self.fallbacks += 1
        if self.fallbacks == 1:
            print_log(
                f'{type(self).__name__} found no weights in update '
                f'{self.update + 1}: all tasks weigh 1 there. Further such '
                'updates are counted as balance/fallbacks.',
                logger='current', level=30)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """Factors of the shared part.

        Args:
            losses: (P,) float64, of the tasks that are present.
            here: (P,) their numbers among all tasks.
            gram: (P, P) float64, where it is asked for.

        Returns:
            (P,); where it is not finite, 1 is taken.
        """
        raise NotImplementedError

    def heads(self, losses: Tensor, here: Tensor) -> Tensor:
        """Factors (P,) of the heads, where these are spared."""
        return torch.ones_like(losses)

    def shared(self) -> Mapping[str, float]:
        """What :meth:`weights` found for the shared part."""
        return self._shared

    def found(self) -> Mapping[str, float]:
        """Factors of the shared part, and what else is logged.

        ``a-b.cosine`` of each pair of gradients, where they are measured, and
        ``fallbacks``, the updates without a solution so far.
        """
        found = {**self._found, **self._cosines}
        if self.fallbacks:
            found['fallbacks'] = float(self.fallbacks)
        return found

    def keep(self, name: str, value: Tensor) -> None:
        """Set a state once the update has proved to be one of numbers."""
        self._pending[name] = value.detach().clone()

    def commit(self) -> None:
        """Take over what :meth:`keep` was given.

        Where batches accumulate, once per step of the optimizer, by the mean
        of those that changed a task's value: others lacked it.
        """
        for name, value in self._pending.items():
            state = getattr(self, name)
            step = value.to(state) - state
            total, count = self._steps.get(name, (0, 0))
            self._steps[name] = total + step, count + (step != 0)
        self._pending = {}
        self._batches += 1
        if self._batches < (self.run.accumulate if self.run else 1):
            return
        for name, (total, count) in self._steps.items():
            getattr(self, name).add_(total / count.clamp(min=1))
        self._steps, self._batches = {}, 0

    def generator(self, seed: int) -> torch.Generator:
        """Draws of this update, equal on all processes.

        Args:
            seed: Mixed with the seed of the run.
        """
        generator = torch.Generator()
        # torch takes 32 bits of a seed
        mixed = np.random.SeedSequence(
            (seed, self.update, self.run.seed if self.run else 0))
        generator.manual_seed(int(mixed.generate_state(1)[0]))
        return generator

    def extra_state(self) -> dict[str, Any]:
        """State of each task, and whose it is."""
        state: dict[str, Any] = self.state_dict()
        if not state:
            return {}
        return dict(state, tasks=list(self.tasks), rule=type(self).__name__)

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore it.

        Raises:
            ConfigError: It is of another rule, or of other tasks.
        """
        state = dict(state)
        rule, tasks = state.pop('rule', None), state.pop('tasks', [])
        if not self.extra_state() and not state:
            return
        if rule != type(self).__name__ or tuple(tasks) != self.tasks:
            raise ConfigError(
                f'The checkpoint holds a {rule} for {", ".join(tasks)}, but '
                f'`model.balancer` is a {type(self).__name__} for '
                f'{", ".join(self.tasks)}: resume with the config of the '
                'first run, or start a new one with `load_from`.')
        self.load_state_dict(state)


class UpdateBalancer(TaskBalancer):
    """A rule without state, over the tasks that are present."""
    alone_is_one = True

    def meet_run(self, run: Run) -> None:
        """Refuse updates that hold the labels of one stream.

        Raises:
            ConfigError: ``train_cfg.alternate='epoch'``.
        """
        super().meet_run(run)
        refuse_alternation(self, run)


def _cosines(tasks: Sequence[str], gram: Tensor) -> dict[str, float]:
    """Of each pair of gradients, none of which is zero."""
    unit = gram.diagonal().sqrt()
    table = (gram / unit[:, None] / unit).clamp(-1, 1).tolist()
    return {f'{tasks[i]}-{tasks[j]}.cosine': table[i][j]
            for i, j in combinations(range(len(tasks)), 2)}


def refuse_alternation(balancer: Balancer, run: Run) -> None:
    """Refuse epochs of one stream where an update's tasks are compared.

    Raises:
        ConfigError: ``train_cfg.alternate='epoch'``.
    """
    if run.alternates:
        raise ConfigError(
            f'`model.balancer` {type(balancer).__name__} weighs the tasks of '
            "one update, but with `train_cfg.alternate='epoch'` each has one "
            "stream's: set it to 'iteration', or take mmmultas.Uncertainty.")


def seed_of(seed: Any) -> int:
    """The seed of a rule's draws.

    Raises:
        ConfigError: It is no whole number of 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError('`model.balancer.seed` is a whole number of 0 or '
                          f'more, not {seed!r}.')
    return seed
