"""The interface of rules that weigh tasks."""
from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

__all__ = ['Balancer']


class Balancer(BaseModule):
    """Says what each task's loss is multiplied by.

    Called once per update with the joint losses of all processes, so that
    all processes weigh alike. Registered in ``MODELS``.
    """

    def weights(self, losses: Mapping[str, Tensor]
                ) -> Mapping[str, float | Tensor]:
        """Factors by task, 1 where none is said.

        Args:
            losses: The joint loss of each task that some process has labels
                of, without gradient.
        """
        raise NotImplementedError

    def set_update(self, update: int) -> None:
        """Tell which update comes."""

    def extra_state(self) -> dict[str, Any]:
        """What has to be kept to go on training; empty if nothing."""
        state: dict[str, Any] = self.state_dict()
        return state

    def load_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`extra_state`."""
        self.load_state_dict(dict(state))
