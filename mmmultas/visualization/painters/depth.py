"""Depth as colours: near is bright, invalid is black."""
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from mmmultas.registry import PAINTERS
from mmmultas.structures import DEPTH
from mmmultas.visualization.drawing import Colour, Picture

from .base import Painter, as_array, heat_of, planes

__all__ = ['DepthPainter']


@PAINTERS.register_module(name=DEPTH)
class DepthPainter(Painter):
    """Colours from the 2nd to the 98th per cent of the valid pixels.

    What is painted of one image has the colours of its first map, the
    ground truth where it is drawn: nearer or farther pixels get those of the
    ends.
    """
    error_title = 'relative error, the brightest is 50 % and more'
    #: Nearest and farthest with a colour of their own; None until fitted.
    ends: tuple[float, float] | None = None

    def fit(self, values: Sequence[Any]) -> None:
        """Take the range of the first map that has valid pixels."""
        found = (_ends(as_array(value.data)) for value in values)
        self.ends = next((ends for ends in found if ends), None)

    def paint(self, image: Picture, value: Any, scale: float = 1.0) -> Picture:
        """A picture of the map in place of the image."""
        depth = planes(value, image.shape[:2])
        valid, ends = depth > 0, self.ends or _ends(depth)
        if ends is None or not valid.any():
            return np.zeros_like(image)
        low, high = ends
        share = ((depth - low) / max(high - low, 1e-9)).clip(0, 1)
        levels = (255 * (1 - share)).astype(np.uint8)
        drawn = cv2.applyColorMap(levels, cv2.COLORMAP_TURBO)[..., ::-1]
        return np.where(valid[..., None], drawn, 0).astype(np.uint8)

    def error(self, image: Picture, truth: Any, value: Any) -> Picture | None:
        """The relative error of the valid pixels."""
        depth, found = (planes(v, image.shape[:2]) for v in (truth, value))
        known = depth > 0
        wrong = np.abs(found - depth) / np.where(known, depth, 1)
        return heat_of(wrong / 0.5, known)

    def legend(self, value: Any) -> list[tuple[str, Colour]]:
        """Nearest and farthest."""
        ends = self.ends or _ends(as_array(value.data))
        if ends is None:
            return []
        unit = self.meta.get('unit', '')
        colours = cv2.applyColorMap(
            np.array([[255, 0]], np.uint8), cv2.COLORMAP_TURBO)[0, :, ::-1]
        return [(f'{end:.3g} {unit}'.strip(),
                 (int(c[0]), int(c[1]), int(c[2])))
                for end, c in zip(ends, colours)]


def _ends(depth: Any) -> tuple[float, float] | None:
    valid = depth[depth > 0]
    if not valid.size:
        return None
    low, high = np.percentile(valid, (2, 98))
    return float(low), float(high)
