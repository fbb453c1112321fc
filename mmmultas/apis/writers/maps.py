"""Maps as PNGs, in the form in which our readers take labels."""
from collections.abc import Mapping
from logging import WARNING
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmmultas.datasets.decode import decode_mask
from mmmultas.datasets.files import read_bytes
from mmmultas.registry import WRITERS
from mmmultas.structures import (CLASSES, DEPTH, EDGES, NORMALS, SALIENCY,
                                 write_index_mask)
from mmmultas.utils.checkpoint import atomic_path

from .base import MapWriter, read_png, write_png

__all__ = [
    'DEPTH_STEPS', 'ClassWriter', 'DepthWriter', 'NormalWriter', 'YesNoWriter'
]

#: Unit of labels → one step of a written depth, where nobody says more.
DEPTH_STEPS = dict(m=0.001, cm=0.1, mm=1.0)


@WRITERS.register_module(name=CLASSES)
class ClassWriter(MapWriter):
    """Class numbers, 8 bits with a palette."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write class numbers (H, W)."""
        write_index_mask(path, values, self.meta.get('palette'))

    def read(self, path: Path) -> NDArray[Any]:
        """Class numbers (H, W)."""
        return decode_mask(read_bytes(path, 'mask'), str(path))


@WRITERS.register_module(name=DEPTH)
class DepthWriter(MapWriter):
    """16-bit PNGs in the steps of the labels' files, or .npy in the unit.

    One step is ``scale`` of the labels, so that what they can say can be
    written; where they have none, a millimetre if ``unit`` is m, cm or mm.
    Of another unit nobody knows the range: .npy, float32.
    """

    def __init__(self, meta: Mapping[str, Any]) -> None:
        super().__init__(meta)
        self.step = meta.get('scale') or DEPTH_STEPS.get(
            str(meta.get('unit')))
        if self.step is None:
            self.suffix = '.npy'
        self._warned = False

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write depth (H, W); say once where it is more than 16 bits hold."""
        values = np.nan_to_num(values)
        if self.step is None:
            with atomic_path(path) as part, open(part, 'wb') as file:
                np.save(file, values.astype(np.float32))
            return
        steps = np.rint(values / self.step)
        if steps.max() > 65535 and not self._warned:
            self._warned = True
            most = f'{65535 * self.step:g} {self.meta.get("unit") or ""}'
            print_log(
                f'{path} has depth of more than {most.strip()}, the most that '
                f'16 bits hold in steps of {self.step:g}: it is written as '
                'that, here and in what follows.', 'current', WARNING)
        write_png(path, steps.clip(0, 65535).astype(np.uint16))

    def read(self, path: Path) -> NDArray[Any]:
        """Depth (H, W) float32 in the labels' unit."""
        if self.step is None:
            return np.asarray(np.load(path, allow_pickle=False))
        return read_png(path).astype(np.float32) * np.float32(self.step)


@WRITERS.register_module(name=NORMALS)
class NormalWriter(MapWriter):
    """RGB = (n + 1) · 127.5."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write vectors (H, W, 3)."""
        levels = np.rint((values.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
        write_png(path, levels[..., ::-1])

    def read(self, path: Path) -> NDArray[Any]:
        """Vectors (H, W, 3) float32."""
        return read_png(path)[..., ::-1] / np.float32(127.5) - np.float32(1)


@WRITERS.register_module(name=EDGES)
@WRITERS.register_module(name=SALIENCY)
class YesNoWriter(MapWriter):
    """Probabilities in 255 steps."""

    def write(self, path: Path, values: NDArray[Any]) -> None:
        """Write probabilities (H, W)."""
        write_png(path, np.rint(255 * values.clip(0, 1)).astype(np.uint8))

    def read(self, path: Path) -> NDArray[Any]:
        """Probabilities (H, W) float32."""
        return read_png(path) / np.float32(255)
