"""Weights with which all tasks gain by one share."""
from typing import Any

from torch import Tensor

from mmmultas.functional import balancing
from mmmultas.registry import MODELS

from .by_losses import positive
from .task_balancer import UpdateBalancer

__all__ = ['FairGrad', 'NashMTL']


@MODELS.register_module()
class FairGrad(UpdateBalancer):
    """Positive a with (G a)_t = a_t^(-1 / power), by Newton's method.

    Heads are weighed by a as well, as its authors do.

    Args:
        power: FairGrad's alpha; 1 is Nash-MTL.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    needs_gram = True

    def __init__(self, power: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, power=power)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula; NaN where it has no solution."""
        assert gram is not None
        return balancing.fairgrad(gram, self.power)


@MODELS.register_module()
class NashMTL(FairGrad):
    """The bargain of tasks that all gain by one share.

    Args:
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(1.0, **kwargs)
