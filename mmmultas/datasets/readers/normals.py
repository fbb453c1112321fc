"""Surface normals."""
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.vectors import (known_vectors, unit_vectors,
                                       vector_lengths)
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
        known = np.ones(values.shape[:2], bool)
        if values.dtype.kind in 'iu':
            vectors, known = _decoded(values)
        else:
            vectors = np.nan_to_num(values.astype(np.float32))
        lengths = vector_lengths(vectors)
        known &= lengths >= 1e-6
        _check_lengths(lengths[known], path)
        return unit_vectors(vectors, known, lengths)

    def known(self, label: NDArray[Any]) -> NDArray[np.bool_]:
        """Pixels with a direction."""
        return known_vectors(label)


def _decoded(values: NDArray[Any]
             ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors of a picture, and which pixels hold one.

    Black and mid-grey (both middles of an even number of steps) hold none.
    """
    top = np.iinfo(values.dtype).max
    low, high = top // 2, top // 2 + 1
    # a picture was read as BGR: turned back it lies as OpenCV wants it
    planes = cv2.split(values[..., ::-1])[::-1]
    black, grey = (np.logical_and.reduce(said) for said in (
        [plane == 0 for plane in planes],
        [(plane == low) | (plane == high) for plane in planes]))
    factor = np.float32(2 / top)
    vectors = [plane.astype(np.float32) * factor - 1 for plane in planes]
    return np.asarray(cv2.merge(vectors), np.float32), ~(black | grey)


def _check_lengths(lengths: NDArray[np.float32], path: str) -> None:
    if not len(lengths):
        return
    # every seventh tells as much as all, in less time
    middle = float(np.median(lengths[::7]))
    if not _LENGTHS[0] <= middle <= _LENGTHS[1]:
        raise DataError(
            f'{path} holds vectors of length {middle:.2f}, not 1; normals '
            'are stored as RGB = (n + 1) · 127.5, or in [-1, 1] as .npy.')
