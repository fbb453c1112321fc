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
    """
    total: Tensor
    count: Tensor

    def merge(self, other: 'LossSum') -> 'LossSum':
        """Pool two groups."""
        return LossSum(self.total + other.total, self.count + other.count)

    def mean(self, count: Tensor | None = None) -> Tensor:
        """Divide by ``count`` (default: own); a count of 0 divides by 1."""
        count = self.count if count is None else count
        return self.total / torch.where(count > 0, count, 1)


class SumLoss(BaseModule):
    """A loss whose ``forward`` returns a :class:`LossSum`."""
