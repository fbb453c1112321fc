"""Weights that stay."""
from collections.abc import Mapping

from torch import Tensor

from mmmultas.registry import MODELS

from .base import Balancer

__all__ = ['Fixed']


@MODELS.register_module()
class Fixed(Balancer):
    """One weight per task: ``model.task_weights``.

    Args:
        task_weights: Factors by task.
    """

    def __init__(self, task_weights: Mapping[str, float]) -> None:
        super().__init__()
        self.task_weights = dict(task_weights)

    def weights(self, losses: Mapping[str, Tensor],
                gram: Tensor | None = None
                ) -> Mapping[str, float | Tensor]:
        """The weights, whatever the losses are."""
        return self.task_weights
