"""Depth, or whatever else is one number per pixel."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import READERS
from mmmultas.structures import DEPTH
from mmmultas.utils.errors import ConfigError, DataError

from .base import LabelReader, check_size, read_values

__all__ = ['DepthReader']


@READERS.register_module(name=DEPTH)
class DepthReader(LabelReader):
    """``path`` of a map, and ``scale``: the unit of one step of the file.

    16-bit PNGs want a scale (0.001 for millimetres; Cityscapes' disparity:
    1 / 65536); .npy and .exr hold the unit itself unless one is given.
    0, negative, infinite and NaN are invalid and become 0.
    """
    keys = ('scale', )

    @classmethod
    def check(cls, key: str, source: dict[str, Any]) -> None:
        """A scale is above 0."""
        super().check(key, source)
        scale = source.get('scale', 1)
        if not isinstance(scale, int | float) or not scale > 0:
            raise ConfigError(f'{key}: `scale` is above 0, got {scale!r}.')

    def read(self, source: dict[str, Any],
             results: dict[str, Any]) -> NDArray[np.float32]:
        """(H, W) float32, 0 = invalid."""
        path, scale = source['path'], source.get('scale')
        values = read_values(path)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[..., 0]
        if values.ndim != 2:
            raise DataError(f'{path} has {values.shape[2]} channels; depth '
                            'is one number per pixel.')
        if values.dtype == np.uint8:
            raise DataError(
                f'{path} has 8 bits, 256 steps of depth; save it as a 16-bit '
                'PNG (millimetres, scale=0.001) or as .npy.')
        if scale is None and values.dtype.kind in 'iu':
            raise DataError(
                f'{path} holds whole numbers without a unit; say what one '
                'step is, `scale=0.001` for millimetres.')
        check_size(values, path, results)
        depth = values.astype(np.float32)
        if scale is not None:
            depth *= np.float32(scale)
        depth[~(np.isfinite(depth) & (depth > 0))] = 0
        return depth

    def unusable(self, source: Mapping[str, Any]) -> tuple[int, int]:
        """Depth below 0, of several values, and what is not finite."""
        path = source.get('path')
        values = np.zeros(1) if path is None else read_values(str(path))
        if values.dtype.kind not in 'fi':
            return 0, 0
        below = values[np.isfinite(values) & (values < 0)]
        several = below.size and below.min() < below.max()
        return (below.size if several else 0,
                int((~np.isfinite(values)).sum()))

    def known(self, label: NDArray[Any]) -> NDArray[np.bool_]:
        """Pixels above 0."""
        return label > 0
