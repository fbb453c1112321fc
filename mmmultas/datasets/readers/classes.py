"""Masks of classes: numbers, palettes or colours."""
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.colours import colour_name
from mmmultas.datasets.decode import decode_colours, decode_mask
from mmmultas.datasets.files import read_bytes
from mmmultas.datasets.label_map import IGNORE, INVALID
from mmmultas.datasets.mask_runs import MaskRuns
from mmmultas.registry import READERS
from mmmultas.structures import CLASSES
from mmmultas.utils.errors import DataError

from .base import LabelReader, check_size, read_values

__all__ = ['ClassReader']

_INVALID = np.array([INVALID], np.float64)


@READERS.register_module(name=CLASSES)
class ClassReader(LabelReader):
    """``path`` of a mask, a picture or .npy, and what gives train ids.

    ``lut`` is a table of numbers, ``colours`` one of colours.
    """

    def read(self, source: dict[str, Any],
             results: dict[str, Any]) -> NDArray[np.uint8]:
        """Train ids (H, W) uint8, 255 = ignore."""
        if source.get('colours') is not None:
            return _of_colours(source, results)
        path = source['path']
        runs = self.cache.get(path)
        if runs is None:
            raw = _numbers(path)
            check_size(raw, path, results)
            runs = MaskRuns.of(raw)
            self.cache.put(path, runs)
        table = source['lut']
        wrong = table[runs.values] == INVALID
        if wrong.any():
            _check_values(np.unique(runs.values[wrong]).tolist(), path, str)
        return runs.mask(table)


def _numbers(path: str) -> NDArray[np.uint8]:
    """Class numbers of a picture, or of a .npy in which -1 is void."""
    if not path.endswith('.npy'):
        return decode_mask(read_bytes(path, 'mask'), path)
    values = read_values(path)
    numbers = np.where(values == -1, IGNORE, values)
    if (values.ndim != 2 or (numbers != np.rint(numbers)).any()
            or numbers.min() < 0 or numbers.max() > 255):
        raise DataError(f'{path} holds {values.dtype} of shape '
                        f'{values.shape} from {values.min():g} to '
                        f'{values.max():g}; class numbers are (H, W), -1 to '
                        '255.')
    return numbers.astype(np.uint8)


def _of_colours(source: dict[str, Any],
                results: dict[str, Any]) -> NDArray[np.uint8]:
    path = source['path']
    raw = decode_colours(read_bytes(path, 'mask'), path)
    check_size(raw, path, results)
    mask = source['colours'].ids_of(raw)
    if cv2.hasNonZero(cv2.inRange(mask, _INVALID, _INVALID)):
        wrong = np.unique(raw[mask == INVALID]).tolist()
        _check_values(wrong, path, colour_name)
    return np.asarray(mask)


def _check_values(wrong: Sequence[int], path: str,
                  say: Callable[[int], str]) -> None:
    if len(wrong):
        some = ', '.join(say(value) for value in wrong[:5])
        raise DataError(f'{path} holds values outside the label set ({some}); '
                        f'mend the mask or name more `classes`.')
