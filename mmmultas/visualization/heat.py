"""Heat maps over pictures, (H, W, 3) uint8 RGB."""
import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray

from .drawing import Colour, Picture

__all__ = ['blend_heat', 'outline_region']


def blend_heat(picture: Picture,
               heat: NDArray,
               alpha: float = 0.5,
               colours: str = 'turbo') -> Picture:
    """Lay a heat map over a picture in grey, so that hues are the map's.

    Args:
        picture: (H, W, 3) RGB.
        heat: (H, W) in [0, 1]; from blue over green to red.
        alpha: Opacity of the map, in [0, 1].
        colours: Name of a colour map of matplotlib.
    """
    # its ends are dark: the hottest place would look cold
    inner = 0.08 + 0.82 * heat.clip(0, 1)
    table = np.asarray(matplotlib.colormaps[colours](inner))
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    mixed = (1 - alpha) * grey[..., None] + alpha * 255 * table[..., :3]
    return np.rint(mixed).astype(np.uint8)


def outline_region(picture: Picture,
                   region: NDArray,
                   colour: Colour = (255, 255, 255)) -> Picture:
    """Draw the border of a region.

    Args:
        picture: (H, W, 3).
        region: (H, W) bool.
        colour: Of the border.
    """
    drawn = picture.copy()
    shapes, _ = cv2.findContours(
        region.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(max(picture.shape[:2]) / 300))
    cv2.drawContours(drawn, shapes, -1, colour, width)
    return drawn
