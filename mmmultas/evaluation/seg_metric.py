"""Segmentation metric on a data-set level confusion matrix."""
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from mmmultas.functional.confusion import (confusion_counts, nearest_resize,
                                           segmentation_scores)
from mmmultas.registry import METRICS
from mmmultas.utils.errors import ConfigError

from .tables import score_text, text_table

__all__ = ['SegMetric']


@METRICS.register_module()
class SegMetric(BaseMetric):
    """mIoU, mean and overall pixel accuracy, in percent.

    Counts are added over the data set before they are divided. IoU of a
    class that is neither in the truth nor predicted is n/a and left out of
    the mean, as is the accuracy of a class that is not in the truth.

    In an image that is annotated for some classes only, the others and the
    background are one, which is not judged: a pixel of it counts where an
    annotated class is predicted there (a false positive), and a pixel of an
    annotated class where it is missed.

    Args:
        ignore_index: Value of the truth that does not count.
        eval_size: ``None`` scores in original image size. ``(height,
            width)`` resizes the truth to this size (nearest) and wants
            predictions of this size, as the authors' code has it.
        subset: Names of classes to report another mean over, as
            ``mIoU_subset``.
        collect_device: As in mmengine's ``BaseMetric``.
        prefix: As in mmengine's ``BaseMetric``; ``'seg'`` by default.

    Raises:
        ConfigError: An argument is malformed.
    """

    default_prefix = 'seg'
    higher_is_better = ('mIoU', 'aAcc', 'mAcc', 'mIoU_subset')
    #: ``asked_classes`` of a sample are the only ones that are judged.
    partial_classes = True

    def __init__(self,
                 ignore_index: int = 255,
                 eval_size: tuple[int, int] | None = None,
                 subset: Sequence[str] | None = None,
                 collect_device: str = 'cpu',
                 prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if eval_size is not None and (len(eval_size) != 2
                                      or min(eval_size) < 1):
            raise ConfigError('`eval_size` of SegMetric wants (height, '
                              f'width) or None, not {eval_size!r}.')
        self.ignore_index = ignore_index
        self.eval_size = eval_size and (eval_size[0], eval_size[1])
        self.subset = tuple(subset) if subset else ()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store per sample the non-zero cells of its confusion matrix.

        Raises:
            ConfigError: A sample has no prediction or no truth, its
                prediction is of another size, or a label is out of range.
        """
        for sample in data_samples:
            counts = self._count(sample).flatten()
            cells = counts.nonzero().flatten()
            self.results.append((cells.cpu().numpy().astype(np.int32),
                                 counts[cells].cpu().numpy()))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores of the summed matrix; prints the table."""
        size = len(self.class_names) + 1
        total = np.zeros(size * size, np.int64)
        for cells, counts in results:
            total[cells] += counts
        iou, accuracy, overall = (
            100 * score for score in segmentation_scores(
                torch.from_numpy(total.reshape(size, size))))
        # the last one is what nobody looked for
        iou, accuracy = iou[:-1], accuracy[:-1]
        self._print_table(iou, accuracy)
        scores = dict(
            mIoU=_mean(iou), aAcc=overall.item(), mAcc=_mean(accuracy))
        if self.subset:
            scores['mIoU_subset'] = _mean(iou[self._subset_indices()])
        return scores

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, background included."""
        return tuple((self.dataset_meta or {})['classes'])

    def _count(self, sample: dict) -> Tensor:
        path = sample.get('img_path', 'a sample')
        prediction, truth = (
            self._label_map(sample, field)
            for field in ('pred_sem_seg', 'gt_sem_seg'))
        if self.eval_size is not None:
            truth = nearest_resize(truth, self.eval_size)
        if prediction.shape != truth.shape:
            raise ConfigError(
                f'SegMetric with `eval_size={self.eval_size}` wants '
                f'predictions of {tuple(truth.shape)} for {path}, not '
                f'{tuple(prediction.shape)}.')
        try:
            counts = confusion_counts(prediction, truth,
                                      len(self.class_names),
                                      self.ignore_index)
        except ValueError as error:
            raise ConfigError(
                f'SegMetric cannot score {path}: {error}; mend `num_classes` '
                'of the segmentation head or the label map.') from error
        return _joined(counts, sample.get('asked_classes'))

    @staticmethod
    def _label_map(sample: dict, field: str) -> Tensor:
        if field not in sample:
            raise ConfigError(
                f'SegMetric finds no `{field}` in '
                f'{sample.get("img_path", "a sample")}: `heads` must have a '
                'segmenter and the data set load masks.')
        data = sample[field]
        labels = data['sem_seg'] if 'sem_seg' in data else data['data']
        return labels.reshape(labels.shape[-2:])

    def _subset_indices(self) -> list[int]:
        unknown = sorted(set(self.subset) - set(self.class_names))
        if unknown:
            raise ConfigError(
                f'`subset` of SegMetric names unknown classes {unknown}; '
                f'the data set has {list(self.class_names)}.')
        return [self.class_names.index(name) for name in self.subset]

    def _print_table(self, iou: Tensor, accuracy: Tensor) -> None:
        names = (*self.class_names, f'mean of {int((~iou.isnan()).sum())}')
        columns = [[*scores.tolist(), _mean(scores)]
                   for scores in (iou, accuracy)]
        rows = [(name, *map(score_text, scores))
                for name, *scores in zip(names, *columns)]
        table = text_table(('class', 'IoU', 'accuracy'), rows)
        print_log(f'Segmentation of {self.prefix} (percent):\n{table}'
                  if self.prefix not in (None, 'seg') else
                  f'Segmentation (percent):\n{table}', logger='current')


def _joined(counts_KK: Tensor, asked: Sequence[int] | None) -> Tensor:
    """A row and a column more, for what nobody looked for."""
    size = len(counts_KK)
    counts = F.pad(counts_KK, (0, 1, 0, 1))
    if asked is None:
        return counts
    place = torch.full((size + 1, ), size, device=counts.device)
    place[list(asked)] = torch.tensor(list(asked), device=counts.device)
    return torch.zeros_like(counts).index_put_(
        (place[:, None], place[None]), counts, accumulate=True)


def _mean(scores_K: Tensor) -> float:
    """Mean over the classes that have a score; nan without any."""
    return scores_K.nanmean().item()
