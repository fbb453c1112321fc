"""Surface normals."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import READERS
from mmmultas.structures import NORMALS
from mmmultas.utils.errors import DataError

from .base import LabelReader, check_size, read_values

__all__ = ['NormalReader']

#: Lengths of decoded 8-bit vectors; those further off are no normals.
_LENGTHS = (.9, 1.1)


@READERS.register_module(name=NORMALS)
class NormalReader(LabelReader):
    """``path`` of a picture, RGB = (n + 1) · 127.5, or of a .npy in [-1, 1].

    (0, 0, 0) and mid-grey pictures, and vectors of length 0 or NaN, are
    invalid and become (0, 0, 0); all others get length 1.
    """

    def read(self, source: dict[str, Any],
             results: dict[str, Any]) -> NDArray[np.float32]:
        """(H, W, 3) float32, x to the right; (0, 0, 0) = invalid."""
        path = source['path']
        values = read_values(path)
        if values.ndim == 3 and values.shape[0] == 3 != values.shape[2]:
            values = values.transpose(1, 2, 0)
        if values.ndim != 3 or values.shape[2] != 3:
            raise DataError(f'{path} has shape {values.shape}; normals are '
                            'three numbers per pixel.')
        check_size(values, path, results)
        invalid = np.zeros(values.shape[:2], bool)
        if values.dtype.kind in 'iu':
            top = np.iinfo(values.dtype).max
            middle = (values == top // 2) | (values == top // 2 + 1)
            invalid = ~values.any(2) | middle.all(2)
            values = values.astype(np.float32) * (2 / top) - 1
        normals = np.nan_to_num(values.astype(np.float32))
        length = np.linalg.norm(normals, axis=2)
        invalid |= length < 1e-6
        _check_lengths(length[~invalid], path)
        normals /= np.maximum(length, 1e-6)[..., None]
        normals[invalid] = 0
        return normals

    def known(self, label: NDArray[Any]) -> NDArray[np.bool_]:
        """Pixels with a direction."""
        return np.asarray(label.any(2))


def _check_lengths(lengths: NDArray[np.float32], path: str) -> None:
    if not len(lengths):
        return
    middle = float(np.median(lengths))
    if not _LENGTHS[0] <= middle <= _LENGTHS[1]:
        raise DataError(
            f'{path} holds vectors of length {middle:.2f}, not 1; normals '
            'are stored as RGB = (n + 1) · 127.5, or in [-1, 1] as .npy.')
