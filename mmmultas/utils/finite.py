"""Losses that are no numbers, told to every process of a run."""
from collections.abc import Mapping

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

from .errors import TrainingError

__all__ = ['NonFiniteLossError', 'check_finite']


class NonFiniteLossError(TrainingError):
    """The loss of an update is NaN or infinite, here or elsewhere.

    Args:
        terms: Value of every loss term on this process; all are finite where
            another process met the one that is not.
    """

    def __init__(self, terms: Mapping[str, float]) -> None:
        super().__init__(dict(terms))
        self.terms = dict(terms)

    @property
    def culprits(self) -> dict[str, float]:
        """Terms that are not finite; their sum if it alone overflows."""
        bad = {
            name: value
            for name, value in self.terms.items()
            if not abs(value) < float('inf')
        }
        if len(bad) > 1:
            bad.pop('loss', None)
        return bad

    def __str__(self) -> str:
        values = ', '.join(f'{k}={v:g}' for k, v in self.culprits.items())
        return f'The loss is not finite: {values or "on another process"}.'


def check_finite(terms: Mapping[str, Tensor], joint: bool = False) -> None:
    """Raise on all processes if a loss of any of them is not finite.

    Costs a read of the device and, with several processes that have not told
    one another yet, an all-reduce of one number.

    Args:
        terms: Scalars by name; names without ``loss`` are statistics, which
            nothing is learnt from.
        joint: Whether their sum is that of all processes, on all of them.

    Raises:
        NonFiniteLossError: A term is NaN or infinite.
    """
    losses = {k: v.detach() for k, v in terms.items() if 'loss' in k}
    if not losses:
        return
    values = torch.stack([value.float() for value in losses.values()])
    # 0 if all is well; a NaN must not get lost in a maximum
    bad = (~torch.isfinite(values)).any().float()
    if get_world_size() > 1 and not joint:
        all_reduce(bad, op='max')
    if bad:
        raise NonFiniteLossError(dict(zip(losses, values.tolist())))
