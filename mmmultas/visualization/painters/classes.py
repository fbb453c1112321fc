"""Maps of classes as tinted regions."""
from typing import Any

import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import CLASSES
from mmmultas.visualization.drawing import Colour, Picture, blend_mask

from .base import Painter, planes

__all__ = ['ClassPainter']


@PAINTERS.register_module(name=CLASSES)
class ClassPainter(Painter):
    """Tints; a class called ``background`` is left as it is."""

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """The image with its regions."""
        names, colours = self.classes()
        if not names:
            return image
        mask = planes(value, image.shape[:2]).clip(0, 255).astype(np.uint8)
        hidden = [k for k, name in enumerate(names) if name == 'background']
        return blend_mask(image, mask, colours, hidden, self.alpha)

    def legend(self, value: Any) -> list[tuple[str, Colour]]:
        """The classes that are there."""
        names, colours = self.classes()
        data = value.sem_seg if 'sem_seg' in value else value.data
        return [(names[k], colours[k]) for k in data.unique().tolist()
                if k < len(names) and names[k] != 'background']
