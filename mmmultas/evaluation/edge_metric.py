"""Boundaries: F over a data set and per image (SPEC-MTPSL 4)."""
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.registry import METRICS
from mmmultas.structures import EDGES
from mmmultas.utils.errors import ConfigError

from .boundaries import best_f, boundary_counts, thin
from .sum_metric import MapMetric

__all__ = ['EdgeMetric']


@METRICS.register_module()
class EdgeMetric(MapMetric):
    """``odsF``, ``oisF`` and the threshold of the first, in per cent.

    Predictions at or above 0.01, 0.02, ..., 0.99 are thinned and matched one
    to one with the thinned labels; counts are pooled over the images. odsF
    is the best F of one threshold for all images, oisF that of the best
    threshold of each image.

    Args:
        max_dist: Farthest pair, as a share of the image's diagonal (PASCAL
            and BSDS500 0.0075, NYUD 0.011).
        num_thresholds: Of them, evenly between 0 and 1.
        **kwargs: Those of :class:`MapMetric`.

    Raises:
        ConfigError: A distance or a number that makes no sense.
    """
    kind = EDGES
    default_prefix = EDGES
    higher_is_better = ('odsF', 'oisF')

    def __init__(self,
                 max_dist: float = 0.0075,
                 num_thresholds: int = 99,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < max_dist < 1 or num_thresholds < 1:
            raise ConfigError('EdgeMetric wants `max_dist` between 0 and 1 '
                              'and `num_thresholds` from 1 on, not '
                              f'{max_dist} and {num_thresholds}.')
        self.max_dist = max_dist
        steps = np.arange(1, num_thresholds + 1)
        self.thresholds: list[float] = (steps / (num_thresholds + 1)).tolist()

    def of_image(self, prediction: Tensor, truth: Tensor) -> Any:
        """Counts (T, 4) of an image."""
        labels = truth[0].cpu().numpy()
        return boundary_counts(
            prediction[0].float().cpu().numpy().astype(np.float64),
            [thin(labels == 1)], self.thresholds, self.max_dist,
            labels != 255)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Pool the counts, and those of each image's best threshold."""
        best = [counts[best_f(counts)[2].argmax()] for counts in results]
        rows = [np.concatenate([counts, row[None]])
                for counts, row in zip(results, best)]
        return super().compute_metrics(rows)

    def scores(self, total: NDArray[Any]) -> dict[str, float]:
        """The best F over the thresholds; the last row is oisF's."""
        f_scores = best_f(total[:-1])[2]
        place = int(f_scores.argmax())
        return dict(
            odsF=float(100 * f_scores[place]),
            oisF=float(100 * best_f(total[-1])[2]),
            threshold=100 * self.thresholds[place])
