"""What a model does on behalf of its companions and its balancer."""
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from mmengine.dist import broadcast
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor, nn

from mmmultas.utils.errors import ConfigError

from ..balancers import Balancer, Fixed, Run
from ..companions.base import Plan
from .pool import Pool
from .second_reading import SecondReading
from .task_gradients import shared_parameters, task_gradients
from .weighing import task_losses

__all__ = ['Accompanied']

#: Children that are trained and are no part of the network.
_BESIDE = ('companions', 'balancer')


class Accompanied(BaseModel):
    """A network whose companions take part in training only.

    They are its children, so that the optimizer and DDP see them; its
    ``state_dict`` has nothing of them, and loading one asks for nothing.
    """
    companions: ModuleDict
    balancer: Balancer
    sequential: bool
    #: Mixed precision's factor of losses; whoever trains sets it.
    loss_scale: float = 1.0
    #: Batches that a balancer looks at again; whoever trains asks for them.
    second_reading: SecondReading | None = None

    def accompany(self, balancer: Balancer, companions: ModuleDict) -> None:
        """Take them on.

        Raises:
            ConfigError: The model keeps streams apart, which they join.
        """
        if self.sequential and companions:
            raise ConfigError('`model.sequential` keeps streams apart that '
                              '`model.companions` join: leave one of them '
                              'out.')
        if self.sequential and not (isinstance(balancer, Fixed)
                                    or balancer.streams_apart):
            raise ConfigError(
                '`model.sequential` keeps streams apart that `model.balancer`'
                f' {type(balancer).__name__} compares: leave it out, or take '
                'mmmultas.Uncertainty or mmmultas.DWA.')
        self.balancer, self.companions = balancer, companions
        self._prepared = False
        self._register_state_dict_hook(_leave_out)
        self.register_load_state_dict_post_hook(_not_missed)

    @property
    def has_company(self) -> bool:
        """Whether a checkpoint needs more than weights to go on from."""
        return bool(self.companions) or self.has_balancer

    @property
    def has_balancer(self) -> bool:
        """Whether losses are weighed by more than ``task_weights``."""
        return not isinstance(self.balancer, Fixed)

    @property
    def may_skip_parts(self) -> bool:
        """Whether some part may get no gradient in some update."""
        return any(c.may_skip_parts for c in self.companions.values())

    def start_together(self) -> None:
        """Send the first process's companions to all others.

        The runner sends what is in the ``state_dict``; they are not.
        """
        for child in (self.companions, self.balancer):
            for value in [*child.parameters(), *child.buffers()]:
                broadcast(value.data)

    def prepare(self) -> None:
        """Build what companions need for training, and check it, once.

        Raises:
            ConfigError: Something does not fit.
            CheckpointError: A teacher's checkpoint.
        """
        if not self._prepared:
            self._prepared = True
            for companion in self.companions.values():
                companion.prepare(self)

    def _check_terms(self) -> None:
        """Companions of one group must name their losses apart."""
        known: dict[tuple[str, str], str] = {}
        for name, companion in self.companions.items():
            for term in companion.terms(self):
                if term in known:
                    raise ConfigError(
                        f'`model.companions.{known[term]}` and '
                        f'`model.companions.{name}` both give the loss '
                        f'`{".".join(term)}`: leave one of them out, or let '
                        'them name other tasks.')
                known[term] = name

    def meet(self, metainfo: Mapping[str, Any], epoch_length: int,
             updates: int, seed: int = 0) -> None:
        """Tell companions what is trained on, and for how long.

        Args:
            metainfo: ``classes`` and ``kind`` of each task.
            epoch_length: Updates of an epoch.
            updates: Updates of the run.
            seed: Of what they draw, the same on all processes.

        Raises:
            ConfigError: Something does not fit.
        """
        self.prepare()
        for companion in self.companions.values():
            companion.meet(Plan(metainfo, epoch_length, updates, seed))
        self._check_terms()  # which tasks they join is known by now

    def meet_run(self, epoch_length: int, epochs: int, alternates: bool,
                 accumulate: int, seed: int = 0) -> None:
        """Tell the balancer how a run trains.

        Args:
            epoch_length: Updates of an epoch.
            epochs: Number of epochs.
            alternates: Whether an update may have the labels of one stream.
            accumulate: Batches of an optimizer's step.
            seed: Of what it draws, the same on all processes.

        Raises:
            ConfigError: It makes no sense there.
        """
        if self.has_balancer and self.sequential and accumulate > 1:
            raise ConfigError(
                '`model.balancer` counts batches of a step, and with '
                '`model.sequential` each of its streams is one: leave '
                '`optim_wrapper.accumulative_counts` or `model.sequential` '
                'out.')
        self.balancer.meet_run(
            Run(epoch_length, epochs, alternates, accumulate, seed))

    def task_gradients(self, losses: Mapping[str, Tensor],
                       parts: Sequence[str],
                       factor: float = 1.0) -> dict[str, Tensor]:
        """Gradients of tasks on what they share, of all processes.

        Args:
            losses: Scalars by task, with their graph, which stays.
            parts: Dotted paths of what is shared.
            factor: Mixed precision's factor of losses.
        """
        shared = shared_parameters(self, parts)
        return task_gradients(losses, shared, factor) if shared else {}

    def clip_shared(self, scale: float = 1.0) -> None:
        """Shorten the gradient of the shared part, if the balancer asks so.

        Args:
            scale: What gradients are still multiplied by.
        """
        limit = self.balancer.max_norm
        if limit is not None:
            nn.utils.clip_grad_norm_(
                shared_parameters(self, Balancer.module), scale * limit)

    def keep_batches(self) -> None:
        """Keep the batches of each step, if the balancer will ask again.

        :meth:`look_again` must then follow each step.
        """
        if self.balancer.needs_after:
            self.second_reading = SecondReading()

    def look_again(
            self, scope: Callable[[int], AbstractContextManager[None]]
    ) -> None:
        """Tell the balancer what the batches of a step lose after it.

        Args:
            scope: Of the number of an update the precision and the random
                numbers that it had.
        """
        if self.second_reading is None:
            return
        pairs = self.second_reading.read(self, scope)
        if pairs:
            self.balancer.after_step(pairs)

    def commit(self, joint: Pool | None) -> dict[str, Tensor]:
        """Keep what an update taught; its losses are numbers.

        Args:
            joint: Losses of all processes.

        Returns:
            dict: Factors that the balancer found, ``balance/<task>``.
        """
        self.balancer.commit()
        if self.second_reading is not None and joint is not None:
            self.second_reading.learn(task_losses(self, joint))
        return {f'balance/{task}': torch.tensor(float(value))
                for task, value in self.balancer.found().items()}

    def meet_average(self, average: Any) -> None:
        """Hand the moving average of the network to companions.

        Args:
            average: A copy of the network, or None where there is none.

        Raises:
            ConfigError: A companion needs one.
        """
        for companion in self.companions.values():
            companion.meet_average(average)

    def set_update(self, update: int) -> None:
        """Tell which update comes: schedules follow it."""
        self.balancer.set_update(update)
        if self.second_reading is not None:
            self.second_reading.update = update
        for companion in self.companions.values():
            companion.set_update(update)

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Losses of companions that no training image takes part in.

        Args:
            carried: The sets of labels that images carry.

        Returns:
            dict: Config key of the loss → what is wrong and how to mend it.
        """
        self.prepare()
        carried = list(carried)
        return {
            key: why
            for companion in self.companions.values()
            for key, why in companion.mute_losses(carried).items()
        }

    def extra_state(self) -> dict[str, dict[str, Any]]:
        """What training needs and the network does not have, by name."""
        state = {name: companion.extra_state()
                 for name, companion in self.companions.items()}
        own = self.balancer.extra_state()
        return {**state, 'balancer': own} if own else state

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`extra_state`.

        Raises:
            ConfigError: It is that of other companions.
        """
        state = dict(state)
        if all(isinstance(value, Tensor) for value in state.values()):
            # written when teachers were the only companions
            state = {name: state for name in list(self.companions)[:1]}
        own, kept = self.balancer.extra_state(), state.pop('balancer', {})
        if set(own) != set(kept):
            raise ConfigError(
                'The checkpoint was written with another `model.balancer`: '
                'resume with the config of the first run, or start a new one '
                'with `load_from`.')
        self.balancer.load_extra_state(kept)
        if set(state) != set(self.companions):
            raise ConfigError(
                'The checkpoint was written with the companions '
                f'{", ".join(sorted(state)) or "none"}, but '
                f'`model.companions` has '
                f'{", ".join(sorted(self.companions)) or "none"}: resume with '
                'the config of the first run, or start a new one with '
                '`load_from`.')
        for name, companion in self.companions.items():
            companion.load_extra_state(state[name])

    def _apply(self, fn: Any, recurse: bool = True) -> 'Accompanied':
        """Move what companions keep outside of the tree of modules, too."""
        super()._apply(fn, recurse)
        for companion in getattr(self, 'companions', {}).values():
            companion.moved(fn)
        return self


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str,
               metadata: Any) -> None:
    """A network's state holds nothing of what accompanies it."""
    beside = tuple(f'{prefix}{name}.' for name in _BESIDE)
    for key in [k for k in state if k.startswith(beside)]:
        del state[key]


def _not_missed(module: Any, incompatible: Any) -> None:
    missing = incompatible.missing_keys
    own = {f'{name}.{key}' for name in _BESIDE
           for key in getattr(module, name).state_dict()}
    missing[:] = [
        k for k in missing if not any(k.endswith(o) for o in own)
    ]
