"""Angles of surface normals, pooled over all valid pixels (SPEC-MTPSL 4)."""
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.functional.dense import angles, unit_normals
from mmmultas.registry import METRICS
from mmmultas.structures import NORMALS

from .sum_metric import MapMetric

__all__ = ['NormalMetric']

_LIMITS = (11.25, 22.5, 30.0)
#: Bins of the histogram from which the median comes, 1/100 of a degree each.
_BINS = 18000


@METRICS.register_module()
class NormalMetric(MapMetric):
    """``mean``, ``median`` and ``rmse`` in degrees; per cent below limits.

    ``within_11.25``, ``within_22.5`` and ``within_30`` count angles strictly
    below. The median is exact to 1/200 of a degree: angles are kept as
    counts, so that a data set of any size fits in memory.
    """
    kind = NORMALS
    default_prefix = NORMALS
    higher_is_better = ('within_11.25', 'within_22.5', 'within_30')
    lower_is_better = ('mean', 'median', 'rmse')

    def of_image(self, prediction: Tensor, truth: Tensor) -> Any:
        """Count, sums, and the histogram of an image."""
        valid = truth.abs().sum(0) > 0
        ours = unit_normals(prediction[None].float())[0]
        found = angles(ours[:, valid].T, truth[:, valid].T).cpu()
        bins = (found * (_BINS / 180)).long().clamp(max=_BINS - 1)
        below = [(found < limit).double().sum() for limit in _LIMITS]
        count = found.new_tensor(len(found))
        sums = torch.stack([count, found.sum(), found.square().sum(), *below])
        return np.concatenate([
            sums.numpy(),
            torch.bincount(bins, minlength=_BINS).double().numpy()
        ])

    def scores(self, total: NDArray[Any]) -> dict[str, float]:
        """Scores of all pixels; NaN where none is valid."""
        sums, counts = total[:3 + len(_LIMITS)], total[3 + len(_LIMITS):]
        count = sums[0] or np.nan
        middle = np.searchsorted(counts.cumsum(), (sums[0] + 1) / 2)
        shares = {
            f'within_{limit:g}': float(100 * below / count)
            for limit, below in zip(_LIMITS, sums[3:])
        }
        return dict(
            mean=float(sums[1] / count),
            median=float((middle + .5) * 180 / _BINS) if sums[0] else np.nan,
            rmse=float((sums[2] / count)**.5),
            **shares)
