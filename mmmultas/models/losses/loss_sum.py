"""A loss that has not been divided yet."""
from dataclasses import dataclass

import torch
from mmengine.model import BaseModule
from torch import Tensor

__all__ = ['LossSum', 'SumLoss']


@dataclass(frozen=True)
class LossSum:
    """Numerator and denominator of a mean, kept apart.

    Sums of several groups (streams of different size, processes) add up to
    the sums of their union; only then is it divided. So neither a stream nor
    a process with few labels weighs more than the labels that it has.

    Attributes:
        total: Scalar with gradient.
        count: Scalar without gradient: positives, pixels, ...
        empty: What divides where the joint count is 0, a scalar without
            gradient that adds up like the count; None for 1. A sum over all
            anchors of images without objects would else be divided by 1.
        absent: Whether there is nothing to sum up here, and the count is
            one that other processes divide by, too.
    """
    total: Tensor
    count: Tensor
    empty: Tensor | None = None
    absent: bool = False

    def merge(self, other: 'LossSum') -> 'LossSum':
        """Pool two groups."""
        empty = self.empty
        if other.empty is not None:
            empty = other.empty if empty is None else empty + other.empty
        return LossSum(self.total + other.total, self.count + other.count,
                       empty, self.absent and other.absent)

    def scaled(self, factor: float | Tensor) -> 'LossSum':
        """The same mean, times ``factor``."""
        return LossSum(factor * self.total, self.count, self.empty,
                       self.absent)

    def mean(self,
             count: Tensor | None = None,
             empty: Tensor | None = None) -> Tensor:
        """Divide by ``count``, and by ``empty`` where that is 0.

        Args:
            count: The joint count; own by default.
            empty: The joint substitute of a count of 0, likewise.
        """
        count = self.count if count is None else count
        empty = self.empty if empty is None else empty
        if empty is None:
            return self.total / torch.where(count > 0, count, 1)
        empty = torch.where(empty > 0, empty, 1)
        return self.total / torch.where(count > 0, count, empty)


class SumLoss(BaseModule):
    """A loss whose ``forward`` returns a :class:`LossSum`."""
