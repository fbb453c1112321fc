"""What the batches of a step lose after it."""
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from mmdet.structures import SampleList
from torch import Tensor, nn

from ..companions.base import Asked
from .pool import pool
from .weighing import PSEUDO, task_losses

__all__ = ['SecondReading', 'buffers_kept']

#: Joint losses by task before and after a step.
Pair = tuple[Mapping[str, Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class _Batch:
    """A batch as the network got it, and what it lost."""
    update: int
    inputs: Mapping[str, Tensor]
    samples: Mapping[str, SampleList]
    asked: Asked = field(default_factory=Asked)
    losses: Mapping[str, Tensor] = field(default_factory=dict)


class SecondReading:
    """Keeps the batches of a step, and reads them again after it.

    They are kept as the network got them: what a data preprocessor does to
    labels may not be done twice.
    """

    def __init__(self) -> None:
        #: Number of the update that comes.
        self.update = 0
        self._entered: _Batch | None = None
        self._learnt: list[_Batch] = []

    def enter(self, inputs: Mapping[str, Tensor],
              samples: Mapping[str, SampleList]) -> None:
        """See a batch; its losses may turn out to be no numbers."""
        self._entered = _Batch(self.update, inputs, samples)

    def run_on(self, asked: Asked) -> None:
        """Remember which images the heads ran on, and together or apart.

        Batch norm and dropout of a head depend on it, whoever asked.
        """
        if self._entered is not None:
            self._entered = replace(self._entered, asked=asked)

    def learn(self, losses: Mapping[str, Tensor]) -> None:
        """Keep the batch, since a step will be made from it.

        Args:
            losses: Its joint losses by task.
        """
        batch, self._entered = self._entered, None
        if batch is not None:
            self._learnt.append(replace(batch, losses=losses))

    @torch.no_grad()
    def read(self, model: Any,
             scope: Callable[[int], AbstractContextManager[None]]
             ) -> list[Pair]:
        """Losses of each batch before and after the step; none is kept.

        Nothing of the model changes. Labels and pseudo-labels are read, since
        these are what a task's loss consists of.

        Args:
            model: The network, after the step.
            scope: Of the number of a batch's update the precision and the
                random numbers that it had.
        """
        batches, self._learnt = self._learnt, []
        labels = all(c.uses_labels for c in model.companions.values())
        teachers = {name: c for name, c in model.companions.items()
                    if PSEUDO in c.groups}
        pairs: list[Pair] = []
        for batch in batches:
            with buffers_kept(model), scope(batch.update):
                _, sums = model.loss_sums(batch.inputs, batch.samples, labels,
                                          teachers, batch.asked)
                device = next(model.parameters()).device
                joint = pool(sums, model.counted_terms(), list(model.tasks),
                             device)
                pairs.append((batch.losses, task_losses(model, joint)))
        return pairs


@contextmanager
def buffers_kept(model: nn.Module) -> Iterator[None]:
    """Put statistics of batch norm back, whatever ran in between."""
    kept = {name: b.clone() for name, b in model.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in model.named_buffers():
                value.copy_(kept[name])
