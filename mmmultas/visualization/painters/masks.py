"""Edges and saliency as bright and dark."""
from typing import Any

import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import EDGES, SALIENCY
from mmmultas.visualization.drawing import Picture

from .base import Painter, planes

__all__ = ['YesNoPainter']


@PAINTERS.register_module(name=EDGES)
@PAINTERS.register_module(name=SALIENCY)
class YesNoPainter(Painter):
    """White is yes, black no; what nobody knows (255) is grey."""

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of the map in place of the image."""
        values = planes(value, image.shape[:2])
        grey = np.where(values > 1, .4, values.clip(0, 1))
        levels = np.rint(255 * grey).astype(np.uint8)
        return np.repeat(levels[..., None], 3, 2)
