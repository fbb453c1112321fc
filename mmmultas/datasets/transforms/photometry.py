"""Colours: brightness, contrast, hue and saturation by lookup tables."""
import random
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmmultas.registry import TRANSFORMS

__all__ = ['PhotometricJitter', 'hue_saturation_lut', 'value_lut']

_LEVELS = np.arange(256, dtype=np.float32)


@TRANSFORMS.register_module()
class PhotometricJitter(BaseTransform):
    """SPEC 5: each with probability ``prob``, in this order.

    Brightness + U(−b, b), contrast × U(c), hue + an integer of ±h on
    OpenCV's 0–179, saturation × U(s). Every step cuts to 0–255.

    Args:
        brightness: b.
        contrast: Range of c.
        hue: h.
        saturation: Range of s.
        prob: Of each of the four.
    """

    def __init__(self,
                 brightness: float = 32,
                 contrast: tuple[float, float] = (.5, 1.5),
                 hue: int = 18,
                 saturation: tuple[float, float] = (.5, 1.5),
                 prob: float = .5) -> None:
        self.brightness = brightness
        self.contrast = contrast
        self.hue = hue
        self.saturation = saturation
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img`` (H, W, 3) uint8 BGR."""
        shift, gain = 0., 1.
        if random.random() < self.prob:
            shift = random.uniform(-self.brightness, self.brightness)
        if random.random() < self.prob:
            gain = random.uniform(*self.contrast)
        turn, colour = 0, 1.
        if random.random() < self.prob:
            turn = random.randint(-self.hue, self.hue)
        if random.random() < self.prob:
            colour = random.uniform(*self.saturation)
        img = results['img']
        if (shift, gain) != (0., 1.):
            img = cv2.LUT(img, value_lut(shift, gain))
        if (turn, colour) != (0, 1.):
            hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
            hsv = cv2.LUT(hsv, hue_saturation_lut(turn, colour))
            img = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
        results['img'] = img
        return results


def value_lut(shift: float, gain: float) -> NDArray[np.uint8]:
    """Table (256,) of ``cut(cut(v + shift) · gain)``.

    Example:
        >>> value_lut(10, 2.)[[0, 1, 250]].tolist()
        [20, 22, 255]
    """
    shifted = _cut(_LEVELS + np.float32(shift))
    return _cut(shifted * np.float32(gain))


def hue_saturation_lut(turn: int, gain: float) -> NDArray[np.uint8]:
    """Table (256, 1, 3): hue + ``turn`` mod 180, saturation × ``gain``."""
    hue = (np.arange(256) + turn) % 180
    saturation = _cut(_LEVELS * np.float32(gain))
    table = np.stack([hue, saturation, np.arange(256)], axis=-1)
    return table.astype(np.uint8)[:, None]


def _cut(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(values, 0, 255).astype(np.uint8)
