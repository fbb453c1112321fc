"""Two views of an image should get one prediction (SSL of MTPSL's tables)."""
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmmultas.functional.task_space import seen_by
from mmmultas.registry import MODELS
from mmmultas.structures import BOXES, has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.loss_sum import LossSum
from ..multitask.taps import OUTPUTS
from .base import Asked, Companion, Update

__all__ = ['ViewConsistency']


@MODELS.register_module()
class ViewConsistency(Companion):
    """What a task without a label says of a part must fit the whole.

    SPEC-MTPSL 5: the mean squared difference between the prediction of the
    second view and that of the first one, moved to the same place and held
    fixed. Of tasks that an image is not labelled for.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        tasks: Tasks that take part; all but those of boxes by default.
        weight: Factor of the loss.

    Raises:
        ConfigError: An unknown task, a head that cannot be asked, or a
            weight of 0.
    """
    groups = ('xtc', )
    shares_groups = True
    needs_second_view = True

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.xtc',
                 tasks: Sequence[str] | None = None,
                 weight: float = 1.0) -> None:
        super().__init__()
        self.key = key
        self.tasks = tuple(tasks if tasks is not None else (
            name for name, task in student.tasks.items()
            if task.kind != BOXES))
        if len(set(self.tasks)) != len(self.tasks):
            raise ConfigError(f'`{key}.tasks` names a task twice: '
                              f'{", ".join(self.tasks)}.')
        for task in self.tasks:
            if task not in student.tasks:
                raise ConfigError(f'`{key}.tasks` names {task!r}; there are '
                                  f'{", ".join(student.tasks)}.')
            student.tasks[task].map_channels(student.heads[task])
        if not self.tasks:
            raise ConfigError(f'`{key}` compares maps, and no head of the '
                              'model says one: leave the companion out.')
        self.weight = number_of(f'`{key}.weight`', weight)
        if not weight:
            raise ConfigError(f'`{key}.weight` is 0, so that it would change '
                              'nothing: leave the companion out.')

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """One term."""
        return [('xtc', 'loss_views')]

    def mute_losses(self, carried: Iterable[Sequence[str]]) -> dict[str, str]:
        """Every image has all labels."""
        if any(set(self.tasks) - set(tasks) for tasks in carried):
            return {}
        return {self.key: 'every image of `train_dataloader` has the labels '
                f'of {" and ".join(self.tasks)}, and it speaks where one is '
                'missing: leave the companion out.'}

    def _rows(self, update: Update, task: str
              ) -> dict[str, tuple[list[int], list[int]]]:
        """Stream → second views without the label, and their first views."""
        found = {}
        for stream, batch in update.samples.items():
            seconds = [i for i, sample in enumerate(batch)
                       if 'first_view' in sample.metainfo
                       and not has_task(sample, task)]
            if seconds:
                found[stream] = (seconds, [
                    int(batch[i].metainfo['first_view']) for i in seconds])
        return found

    def needs(self, update: Update) -> Asked:
        """Both views, of the tasks that are not labelled."""
        asked = Asked()
        for task in self.tasks:
            for stream, (seconds, firsts) in self._rows(update, task).items():
                asked.add(task, stream, [*seconds, *firsts], OUTPUTS)
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """Sum over images and tasks; the count is that of images."""
        views = [sample for batch in update.samples.values()
                 for sample in batch if 'first_view' in sample.metainfo]
        count = torch.tensor(float(len(views)), device=next(
            iter(update.inputs.values())).device)
        parts = [self._task_sum(update, task, stream, *rows)
                 for task in self.tasks
                 for stream, rows in self._rows(update, task).items()]
        if not parts:
            return dict(xtc=dict(loss_views=LossSum(count * 0, count,
                                                    absent=True)))
        total = self.weight * torch.stack(parts).sum()
        return dict(xtc=dict(loss_views=LossSum(total, count)))

    def _task_sum(self, update: Update, task: str, stream: str,
                  seconds: list[int], firsts: list[int]) -> Tensor:
        adapter, head = update.model.tasks[task], update.model.heads[task]
        batch = update.samples[stream]
        size = (update.inputs[stream].shape[-2],
                update.inputs[stream].shape[-1])
        # an image of several tasks without a label has one share of each
        shares = [1 / sum(not has_task(batch[i], t) for t in self.tasks)
                  for i in seconds]
        with full_precision():
            second, first = (
                adapter.said_map(head, update.outputs[task].of(stream, rows),
                                 size) for rows in (seconds, firsts))
            matrices = torch.tensor([batch[i].metainfo['from_first']
                                     for i in seconds]).reshape(-1, 3, 3)
            nearer = [float(batch[i].metainfo.get('nearer', 1.))
                      for i in seconds]
            target, seen = self._target(adapter, first.detach(), matrices,
                                        nearer)
            error = (adapter.compared(second) - target).square().mean(
                1, keepdim=True)
            means = (error * seen).sum((1, 2, 3)) / seen.sum(
                (1, 2, 3)).clamp(min=1)
        return (means * means.new_tensor(shares)).sum()

    @staticmethod
    def _target(adapter: Any, first: Tensor, matrices: Tensor,
                nearer: Sequence[float]) -> tuple[Tensor, Tensor]:
        """What the first view says at the places of the second.

        Args:
            adapter: Of the task.
            first: (N, C, H, W) maps of the first views.
            matrices: (N, 3, 3) from first to second views.
            nearer: What the second views divided depth by.
        """
        det = torch.linalg.det(matrices[:, :2, :2].double())
        mirror = det.sign().to(first)[:, None, None, None]
        maps, seen = seen_by(adapter.compared(first), matrices)
        zoom = maps.new_tensor(nearer)[:, None, None, None]
        return adapter.moved(maps, zoom, mirror), seen
