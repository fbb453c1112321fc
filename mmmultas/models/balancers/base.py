"""The interface of rules that weigh tasks."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

__all__ = ['Balancer', 'Run']


@dataclass(frozen=True)
class Run:
    """How a run trains.

    Attributes:
        epoch_length: Updates of an epoch.
        epochs: Number of epochs.
        alternates: Whether an update may have the labels of one stream.
        accumulate: Batches of an optimizer's step.
        seed: Of the run, the same on all processes.
    """
    epoch_length: int
    epochs: int
    alternates: bool = False
    accumulate: int = 1
    seed: int = 0


class Balancer(BaseModule):
    """Says what each task's loss is multiplied by.

    Called once per update with the joint losses of all processes, so that
    all processes weigh alike. Registered in ``MODELS``.
    """
    #: Whether it asks for the products of the tasks' gradients.
    needs_gram = False
    #: How long the gradient of the shared part may be in a step; None: as it
    #: is.
    max_norm: float | None = None
    #: Whether it asks what a batch loses after the step.
    needs_after = False
    #: Parts of the model where it looks at gradients, as dotted paths.
    module: Sequence[str] = ('backbone', 'neck')
    #: Whether heads learn with other factors than the shared part.
    spares_heads = False
    #: Whether a task's factor follows from its own losses and the past, so
    #: that the streams of an update may come one by one.
    streams_apart = False

    def wants_gram(self, losses: Mapping[str, Tensor]) -> bool:
        """Whether it asks for the products of gradients in this update.

        Args:
            losses: As of :meth:`weights`.
        """
        return self.needs_gram

    def weights(self, losses: Mapping[str, Tensor],
                gram: Tensor | None = None
                ) -> Mapping[str, float | Tensor]:
        """Factors by task, 1 where none is said.

        Args:
            losses: The joint loss of each task that some process has labels
                of, without gradient.
            gram: Where it is asked for: products of the gradients on shared
                parameters (T, T), float64, in the order of ``losses``.
        """
        raise NotImplementedError

    def shared(self) -> Mapping[str, float]:
        """Factors of the shared part, where these are others (by task)."""
        return {}

    def found(self) -> Mapping[str, float]:
        """Factors of the latest update by task, and what else is logged.

        All are logged as ``balance/<name>``.
        """
        return {}

    def commit(self) -> None:
        """Keep what the update taught: its losses are numbers."""

    def after_step(self, readings: Sequence[tuple[Mapping[str, Tensor],
                                                  Mapping[str, Tensor]]]
                   ) -> None:
        """Learn what a step has done to its batches.

        Called behind each step of the optimizer where :attr:`needs_after`.

        Args:
            readings: The joint losses by task of each batch of the step,
                before and after it.
        """

    def meet(self, tasks: Sequence[str]) -> None:
        """Learn which tasks there are."""

    def meet_run(self, run: Run) -> None:
        """Learn how a run trains, before its first update.

        Raises:
            ConfigError: It makes no sense there.
        """

    def set_update(self, update: int) -> None:
        """Tell which update comes."""

    def extra_state(self) -> dict[str, Any]:
        """What has to be kept to go on training; empty if nothing."""
        state: dict[str, Any] = self.state_dict()
        return state

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`extra_state`."""
        self.load_state_dict(dict(state))
