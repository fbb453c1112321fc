"""Depth as colours: near is bright, invalid is black."""
from typing import Any

import cv2
import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import DEPTH
from mmmultas.visualization.drawing import Colour, Picture

from .base import Painter, planes

__all__ = ['DepthPainter']


@PAINTERS.register_module(name=DEPTH)
class DepthPainter(Painter):
    """Colours from the 2nd to the 98th per cent of the valid pixels."""

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of the map in place of the image."""
        depth = planes(value, image.shape[:2])
        valid = depth > 0
        if not valid.any():
            return np.zeros_like(image)
        low, high = np.percentile(depth[valid], (2, 98))
        share = ((depth - low) / max(high - low, 1e-9)).clip(0, 1)
        levels = (255 * (1 - share)).astype(np.uint8)
        drawn = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[..., ::-1]
        return np.where(valid[..., None], drawn, 0).astype(np.uint8)

    def legend(self, value: Any) -> list[tuple[str, Colour]]:
        """Nearest and farthest."""
        known = value.data[value.data > 0]
        if not len(known):
            return []
        unit = self.meta.get('unit', '')
        ends = (known.min().item(), known.max().item())
        colours = cv2.applyColorMap(
            np.array([[255, 0]], np.uint8), cv2.COLORMAP_TURBO)[0, :, ::-1]
        return [(f'{end:.3g} {unit}'.strip(),
                 (int(c[0]), int(c[1]), int(c[2])))
                for end, c in zip(ends, colours)]
