"""Metrics that pool sums over all pixels of a data set."""
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.structures import gt_field, pred_field
from mmmultas.utils.errors import ConfigError

from .tables import score_text, text_table

__all__ = ['MapMetric']


class MapMetric(BaseMetric):
    """A score of maps: a child says what an image adds and what follows.

    Args:
        collect_device: As in mmengine's ``BaseMetric``.
        prefix: As in mmengine's ``BaseMetric``; by default the task's name.
    """
    #: The kind of labels, and so the names of the fields.
    kind = ''

    def __init__(self,
                 collect_device: str = 'cpu',
                 prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep what each image adds.

        Raises:
            ConfigError: A sample without prediction or label, or of another
                size.
        """
        for sample in data_samples:
            prediction, truth = (
                self._map(sample, field)
                for field in (pred_field(self.kind), gt_field(self.kind)))
            if prediction.shape[-2:] != truth.shape[-2:]:
                raise ConfigError(
                    f'{type(self).__name__} wants predictions of '
                    f'{tuple(truth.shape[-2:])} pixels for '
                    f'{sample.get("img_path", "a sample")}, not '
                    f'{tuple(prediction.shape[-2:])}: place LoadLabels behind '
                    'the resize of the evaluation pipeline.')
            self.results.append(self.of_image(prediction, truth))

    def _map(self, sample: dict, field: str) -> Tensor:
        if field not in sample:
            raise ConfigError(
                f'{type(self).__name__} finds no `{field}` in '
                f'{sample.get("img_path", "a sample")}: `model.heads` must '
                'have a head of this kind and the data set its labels.')
        values: Tensor = sample[field]['data']
        return values

    def of_image(self, prediction: Tensor, truth: Tensor) -> Any:
        """What an image adds, a NumPy array.

        Args:
            prediction: (C, H, W).
            truth: (C, H, W).
        """
        raise NotImplementedError

    def scores(self, total: NDArray[Any]) -> dict[str, float]:
        """Scores of what all images add up to."""
        raise NotImplementedError

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores of the sum; prints them."""
        found = self.scores(np.sum(results, axis=0))
        rows = [(name, score_text(value)) for name, value in found.items()]
        print_log(f'{self.prefix or self.kind}:\n'
                  f'{text_table(("metric", "value"), rows)}', logger='current')
        return found


def as_array(values: Sequence[Tensor]) -> NDArray[np.float64]:
    """Scalars as one float64 array."""
    return np.asarray(torch.stack([v.double().cpu() for v in values]))
