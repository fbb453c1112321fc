"""Maps as PNGs, in the form in which our readers take labels."""
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import WRITERS
from mmmultas.structures import (CLASSES, DEPTH, EDGES, NORMALS, SALIENCY,
                                 write_index_mask)

from .base import MapWriter, write_png

__all__ = [
    'DEPTH_STEP', 'ClassWriter', 'DepthWriter', 'NormalWriter', 'YesNoWriter'
]

#: Unit of one step of a written depth: millimetres, where labels are metres.
DEPTH_STEP = 0.001


@WRITERS.register_module(name=CLASSES)
class ClassWriter(MapWriter):
    """Class numbers, 8 bits with a palette."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write class numbers (H, W)."""
        write_index_mask(path, values, self.meta.get('palette'))


@WRITERS.register_module(name=DEPTH)
class DepthWriter(MapWriter):
    """Thousandths of the labels' unit, 16 bits; 65.535 and more is 65535."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write depth (H, W)."""
        steps = np.rint(np.nan_to_num(values) / DEPTH_STEP).clip(0, 65535)
        write_png(path, steps.astype(np.uint16))


@WRITERS.register_module(name=NORMALS)
class NormalWriter(MapWriter):
    """RGB = (n + 1) · 127.5."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write vectors (H, W, 3)."""
        levels = np.rint((values.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
        write_png(path, levels[..., ::-1])


@WRITERS.register_module(name=EDGES)
@WRITERS.register_module(name=SALIENCY)
class YesNoWriter(MapWriter):
    """Probabilities in 255 steps."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write probabilities (H, W)."""
        write_png(path, np.rint(255 * values.clip(0, 1)).astype(np.uint8))
