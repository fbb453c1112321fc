"""What heads learn from labels, and what it is divided by."""
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmdet.structures import SampleList

from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError

from ..companions.base import Asked, Update
from ..losses.loss_sum import LossSum
from ..tasks.base import pooled
from .head_graph import Rows
from .samples import is_supervised
from .taps import OUTPUTS

__all__ = ['LabelSums']

_MEANS = ('labels', 'images', 'batch')


class LabelSums:
    """Losses of heads on their labels, as sums and counts.

    Args:
        mean: ``'labels'``: a loss is a mean over all that is labelled
            (pixels, boxes). ``'images'``: each labelled image has a mean of
            its own, and these have one. ``'batch'``: their sum is divided by
            all images, labelled for the task or not (MTPSL's code), so that
            a task counts by the share of images that have its label.
        share: Whether an image's losses are divided by the number of tasks
            that it is labelled for.

    Raises:
        ConfigError: Another word, or a share of what is no image's own.
    """

    def __init__(self, mean: str = 'labels', share: bool = False) -> None:
        if mean not in _MEANS:
            raise ConfigError(f'`model.loss_mean` is one of '
                              f'{", ".join(_MEANS)}, not {mean!r}.')
        if share and mean == 'labels':
            raise ConfigError(
                "`model.share_losses` divides an image's losses, which "
                "`model.loss_mean='labels'` does not have: set that to "
                "'images' or 'batch', or leave it out.")
        self.mean, self.share = mean, share

    @property
    def by_image(self) -> bool:
        """Whether each image has a mean of its own."""
        return self.mean != 'labels'

    def check(self, model: Any) -> None:
        """Refuse heads whose losses cannot be told image by image.

        Raises:
            ConfigError: One of them is such a head, or streams are apart.
        """
        if self.mean == 'batch' and model.sequential:
            raise ConfigError(
                "`model.loss_mean='batch'` counts the images of all streams, "
                'which `model.sequential` keeps apart: leave one of them out.')
        for name, task in model.tasks.items() if self.by_image else ():
            head = model.heads[name]
            if not task.splits(head) or hasattr(head, 'auxiliary'):
                what = ('has auxiliary heads' if task.splits(head) else
                        'finds its loss in a way of its own')
                raise ConfigError(
                    f'`model.loss_mean={self.mean!r}` asks for the loss of '
                    f'each image, and `{task.key}`, a '
                    f"{type(head).__name__}, {what}: take "
                    "`model.loss_mean='labels'`, or another head.")

    def ask(self, asked: Asked, mine: Mapping[str, Rows]) -> None:
        """Ask for the heads on what is labelled."""
        for task, streams in mine.items():
            for stream, rows in streams.items():
                asked.add(task, stream, rows,
                          OUTPUTS if self.by_image and rows else None)

    def __call__(self, update: Update,
                 mine: Mapping[str, Rows]) -> dict[str, dict[str, LossSum]]:
        """Losses by task and term.

        Args:
            update: With the outputs of the heads.
            mine: Task → stream → positions of labelled images.
        """
        if not self.by_image:
            return {task: pooled(
                update.model.label_losses(task, read, samples)
                for read, samples in update.outputs[task].labelled(
                    update.samples, rows)) for task, rows in mine.items()}
        sums = {task: pooled(self._images(update, task, rows))
                for task, rows in mine.items()}
        return self._by_batch(update, sums) if self.mean == 'batch' else sums

    def _images(self, update: Update, task: str,
                rows: Rows) -> Iterator[dict[str, LossSum]]:
        for read, samples in update.outputs[task].labelled(update.samples,
                                                           rows):
            for i, sample in enumerate(samples):
                terms = update.model.label_losses(
                    task, read.take([i], len(samples)), [sample])
                factor = 1 / self._tasks(update, sample)
                yield {name: LossSum(factor * value.mean(),
                                     torch.ones_like(value.count))
                       for name, value in terms.items()}

    def _tasks(self, update: Update, sample: Any) -> int:
        if not self.share:
            return 1
        return sum(has_task(sample, task) for task in update.model.tasks)

    @staticmethod
    def _by_batch(update: Update, sums: dict[str, dict[str, LossSum]]
                  ) -> dict[str, dict[str, LossSum]]:
        """Count all images, also where none of them is labelled for it."""
        count = torch.tensor(
            float(_supervised(update.samples)),
            device=next(iter(update.inputs.values())).device)
        found = {}
        for task, terms in sums.items():
            head = update.model.heads[task]
            names = update.model.tasks[task].counted_terms(head)
            found[task] = {
                name: LossSum(count * 0, count, absent=True)
                for name in names if name not in terms
            }
            for name, value in terms.items():
                found[task][name] = LossSum(value.total, count)
        return found


def _supervised(samples: Mapping[str, SampleList]) -> int:
    return sum(is_supervised(s) for batch in samples.values() for s in batch)
