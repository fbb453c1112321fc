"""Surface normals as colours."""
from typing import Any

import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import NORMALS
from mmmultas.visualization.drawing import Picture

from .base import Painter, heat_of, planes

__all__ = ['NormalPainter']


@PAINTERS.register_module(name=NORMALS)
class NormalPainter(Painter):
    """RGB = (n + 1) · 127.5; invalid is black."""
    error_title = 'angle, the brightest is 45 degrees and more'

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of the map in place of the image."""
        normals = planes(value, image.shape[:2])
        valid = np.abs(normals).max(2, keepdims=True) > 0
        drawn = np.rint((normals.clip(-1, 1) + 1) * 127.5)
        return np.where(valid, drawn, 0).astype(np.uint8)

    def error(self, image: Picture, truth: Any, value: Any) -> Picture | None:
        """The angle between both, where the truth is known."""
        ours, theirs = (planes(v, image.shape[:2]) for v in (value, truth))
        known = np.abs(theirs).max(2) > 0
        lengths = np.linalg.norm(ours, axis=2) * np.linalg.norm(
            theirs, axis=2)
        cosine = (ours * theirs).sum(2) / np.maximum(lengths, 1e-9)
        angle = np.degrees(np.arccos(cosine.clip(-1, 1)))
        return heat_of(angle / 45, known)
