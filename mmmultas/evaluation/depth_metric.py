"""Errors of depth, pooled over all valid pixels (SPEC-MTPSL 4)."""
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.functional.dense import depth_errors
from mmmultas.registry import METRICS
from mmmultas.structures import DEPTH

from .sum_metric import MapMetric, as_array

__all__ = ['DepthMetric']


@METRICS.register_module()
class DepthMetric(MapMetric):
    """``abs_err``, ``rel_err``, ``rmse`` and ``log_rmse``.

    In the unit of the labels; ``rel_err`` is a share and ``log_rmse`` of
    natural logarithms. Pooled over all valid pixels, as MTPSL does; MTAN's
    code averages over batches.
    """
    kind = DEPTH
    default_prefix = DEPTH
    lower_is_better = ('abs_err', 'rel_err', 'rmse', 'log_rmse')

    def of_image(self, prediction: Tensor, truth: Tensor) -> Any:
        """Sums over the valid pixels of an image."""
        valid = truth > 0
        return as_array(
            list(depth_errors(prediction[valid], truth[valid]).values()))

    def scores(self, total: NDArray[Any]) -> dict[str, float]:
        """Means of all pixels; NaN where none is valid."""
        count = total[0] or np.nan
        mean = total[1:] / count
        return dict(abs_err=float(mean[0]), rel_err=float(mean[1]),
                    rmse=float(mean[2]**.5), log_rmse=float(mean[3]**.5))
