"""What the values of one map tell about it."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import READERS

from .mask_runs import RunCache
from .readers.base import LabelReader

__all__ = ['MapFacts', 'facts_of', 'read_label']


@dataclass(frozen=True, eq=False)
class MapFacts:
    """The values of a map.

    Attributes:
        pixels: All of them.
        known: Those that say something.
        low: Lowest of the known values, in the label's unit; None where a
            pixel has several or none is known.
        middle: Their median, likewise.
        high: The highest, likewise.
        counts: (256,) int64 pixels by value, of maps of 8 bits.
        negative: Pixels that are unknown for values below 0, of several
            values: one alone is a mark.
        odd: Pixels that are unknown since they are NaN or infinite.
    """
    pixels: int
    known: int
    low: float | None = None
    middle: float | None = None
    high: float | None = None
    counts: NDArray[np.int64] | None = None
    negative: int = 0
    odd: int = 0


def read_label(kind: str, source: Mapping[str, Any], size: tuple[int, int],
               exif: bool = True) -> tuple[LabelReader, Any]:
    """The reader of a kind and the label that it reads.

    Args:
        kind: Of the label.
        source: What the reader is given.
        size: (height, width) of the image.
        exif: Whether the image is turned as its EXIF tag says.

    Raises:
        DataError: The label cannot be used.
    """
    reader = READERS.get(kind)(RunCache(0))
    return reader, reader.read(dict(source), dict(ori_shape=size, exif=exif))


def facts_of(reader: LabelReader, label: Any,
             source: Mapping[str, Any] | None = None) -> MapFacts | None:
    """Look at a label; None for one that is no map.

    Args:
        reader: That has read it.
        label: (H, W) or (H, W, C).
        source: What it was read from, to look at what was not usable.
    """
    if not isinstance(label, np.ndarray):
        return None
    known = reader.known(label)
    pixels, count = known.size, int(known.sum())
    negative, odd = reader.unusable(source or {}) if count < pixels else (0, 0)
    counts = None
    if label.dtype == np.uint8 and label.ndim == 2:
        counts = np.bincount(label.ravel(), minlength=256).astype(np.int64)
    if label.ndim != 2 or not count:
        return MapFacts(pixels, count, counts=counts, negative=negative,
                        odd=odd)
    values = label[known]
    return MapFacts(pixels, count, float(values.min()),
                    float(np.median(values)), float(values.max()), counts,
                    negative, odd)
