"""Surface normals as colours."""
from typing import Any

import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import NORMALS
from mmmultas.visualization.drawing import Picture

from .base import Painter, planes

__all__ = ['NormalPainter']


@PAINTERS.register_module(name=NORMALS)
class NormalPainter(Painter):
    """RGB = (n + 1) · 127.5; invalid is black."""

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of the map in place of the image."""
        normals = planes(value, image.shape[:2])
        valid = np.abs(normals).max(2, keepdims=True) > 0
        drawn = np.rint((normals.clip(-1, 1) + 1) * 127.5)
        return np.where(valid, drawn, 0).astype(np.uint8)
