"""Boxes with their names."""
from typing import Any

from mmmultas.registry import PAINTERS
from mmmultas.structures import BOXES
from mmmultas.visualization.drawing import Picture, draw_boxes

from .base import Painter, as_array

__all__ = ['BoxPainter']


@PAINTERS.register_module(name=BOXES)
class BoxPainter(Painter):
    """Outlines, the best score on top."""

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """The image with its boxes."""
        names, colours = self.classes()
        if not names:
            return image
        labels = as_array(value.labels).astype(int)
        texts = [names[label] for label in labels]
        if 'scores' in value:
            texts = [f'{text} {score:.2f}' for text, score in zip(
                texts, as_array(value.scores))]
        return draw_boxes(image, as_array(value.bboxes) * scale, texts,
                          [colours[label] for label in labels])
