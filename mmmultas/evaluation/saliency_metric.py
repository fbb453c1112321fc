"""Saliency over thresholds (SPEC-MTPSL 4)."""
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.functional.dense import yes_no_counts
from mmmultas.registry import METRICS
from mmmultas.structures import SALIENCY

from .sum_metric import MapMetric

__all__ = ['THRESHOLDS', 'SaliencyMetric', 'saliency_scores']

THRESHOLDS = tuple(np.linspace(.2, .9, 15).tolist())


@METRICS.register_module()
class SaliencyMetric(MapMetric):
    """``mIoU`` and ``maxF`` in per cent, the best over 15 thresholds.

    Per image: IoU (1 where neither prediction nor truth has anything),
    precision and recall; means over images; then the maximum over the
    thresholds 0.2, 0.25, ..., 0.9. An image without a known pixel is not
    judged.
    """
    kind = SALIENCY
    default_prefix = SALIENCY
    higher_is_better = ('mIoU', 'maxF')

    def of_image(self, prediction: Tensor, truth: Tensor) -> Any:
        """True and false positives and misses at each threshold."""
        known = truth != 255
        counts = yes_no_counts(prediction[known].double(), truth[known],
                               torch.tensor(THRESHOLDS)).cpu().numpy()
        # -1 tells an image that nobody knows from one with nothing salient
        return counts if known.any() else counts - 1

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Scores of all images with a known pixel; prints them."""
        return super().compute_metrics([_of_image(x) for x in results])

    def scores(self, total: NDArray[Any]) -> dict[str, float]:
        """The best means over the thresholds."""
        return _best(total)


def saliency_scores(counts: NDArray[Any]) -> dict[str, float]:
    """Scores of (N, T, 3) counts of N images at T thresholds."""
    return _best(np.sum([_of_image(x) for x in counts], axis=0))


def _of_image(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(T + 1, 3): IoU, precision and recall, and in the last row a one.

    All zeros for an image without a known pixel, which is not judged.
    """
    if (counts < 0).all():
        return np.zeros((len(counts) + 1, 3))
    hits, false, missed = counts.astype(np.float64).T
    union = hits + false + missed
    iou = np.where(union > 0, hits / np.maximum(union, 1), 1)
    rows = np.stack([iou, hits / (hits + false + 1e-12),
                     hits / (hits + missed + 1e-12)], 1)
    return np.concatenate([rows, np.ones((1, 3))])


def _best(total: NDArray[Any]) -> dict[str, float]:
    if not total[-1].any():  # no image has a known pixel
        return dict(mIoU=float('nan'), maxF=float('nan'))
    iou, precision, recall = (total[:-1] / total[-1]).T
    f_score = 2 * precision * recall / (precision + recall + 1e-12)
    return dict(mIoU=float(100 * iou.max()), maxF=float(100 * f_score.max()))
