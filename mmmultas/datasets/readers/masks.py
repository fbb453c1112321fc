"""Yes or no per pixel: edges and what is salient."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.label_map import IGNORE
from mmmultas.registry import READERS
from mmmultas.structures import EDGES, SALIENCY
from mmmultas.utils.errors import DataError

from .base import LabelReader, check_size, read_values

__all__ = ['EdgeReader', 'SaliencyReader']


class _YesNoReader(LabelReader):
    """``path`` of an 8-bit picture; ``threshold``, default 128, and above
    it is a yes. ``ignore``: the value of pixels that take no part.
    """
    keys = ('threshold', 'ignore')

    def read(self, source: dict[str, Any],
             results: dict[str, Any]) -> NDArray[np.uint8]:
        """(H, W) uint8: 0, 1, and 255 where nobody knows."""
        path, threshold = source['path'], source.get('threshold', 128)
        values = read_values(path)
        if values.ndim == 3 and (values == values[..., :1]).all():
            values = values[..., 0]
        if values.ndim != 2:
            raise DataError(f'{path} has colours; yes or no per pixel is a '
                            'grey picture.')
        check_size(values, path, results)
        out = (values >= threshold).astype(np.uint8)
        known = np.ones(values.shape, bool)
        if source.get('ignore') is not None:
            known = values != source['ignore']
            out[~known] = IGNORE
        # masks of 0 and 1; a probability map may well stay below
        if known.any() and values[known].max() == 1 < threshold:
            raise DataError(
                f'{path} holds 0 and 1, all below the threshold {threshold}; '
                'say `threshold=1`.')
        return out


@READERS.register_module(name=EDGES)
class EdgeReader(_YesNoReader):
    """Edges: see :class:`_YesNoReader`."""


@READERS.register_module(name=SALIENCY)
class SaliencyReader(_YesNoReader):
    """What is salient: see :class:`_YesNoReader`."""
