"""Blur, gamma, colour casts and local contrast: images of street cameras."""
import random
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmmultas.registry import TRANSFORMS
from mmmultas.utils.errors import ConfigError

__all__ = [
    'ColourCast', 'LocalContrast', 'RandomBlur', 'RandomGamma', 'RandomGrey',
    'gamma_lut'
]

Image = NDArray[np.uint8]
_LEVELS = np.arange(256, dtype=np.float32)


class _Sometimes(BaseTransform):
    """Changes ``img`` (H, W, 3) uint8 BGR with probability ``prob``."""

    def __init__(self, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ConfigError(f'`prob` of {type(self).__name__} lies between '
                              f'0 and 1, not {prob}.')
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change the image, or leave it."""
        if random.random() < self.prob:
            results['img'] = self.change(results['img'])
        return results

    def change(self, image: Image) -> Image:
        """The image after a change drawn at random."""
        raise NotImplementedError


@TRANSFORMS.register_module()
class RandomBlur(_Sometimes):
    """Mean over a square around each pixel.

    Args:
        sides: Of the square, in pixels; one of them is drawn.
        prob: Of doing anything.

    Raises:
        ConfigError: A side that is even or below 3: it would move the image
            or do nothing.
    """

    def __init__(self,
                 sides: Sequence[int] = (3, 5),
                 prob: float = .5) -> None:
        super().__init__(prob)
        if not sides or any(side < 3 or side % 2 == 0 for side in sides):
            raise ConfigError(f'`sides` of RandomBlur wants odd numbers from '
                              f'3 on, not {tuple(sides)}.')
        self.sides = tuple(sides)

    def change(self, image: Image) -> Image:
        """Blur."""
        side = random.choice(self.sides)
        return np.asarray(cv2.blur(image, (side, side)), np.uint8)


@TRANSFORMS.register_module()
class RandomGamma(_Sometimes):
    """``255 · (v / 255) ** U(gamma)``.

    Args:
        gamma: Range; below 1 is brighter.
        prob: Of doing anything.

    Raises:
        ConfigError: A gamma that is not positive.
    """

    def __init__(self,
                 gamma: tuple[float, float] = (.8, 1.25),
                 prob: float = .5) -> None:
        super().__init__(prob)
        if min(gamma) <= 0:
            raise ConfigError(f'`gamma` of RandomGamma must be positive, not '
                              f'{gamma}.')
        self.gamma = gamma

    def change(self, image: Image) -> Image:
        """Darken the middle levels, or brighten them."""
        table = gamma_lut(random.uniform(*self.gamma))
        return np.asarray(cv2.LUT(image, table), np.uint8)


@TRANSFORMS.register_module()
class ColourCast(_Sometimes):
    """Add U(−limit, limit) to red, green and blue, each for itself.

    Args:
        limit: In levels of 256.
        prob: Of doing anything.
    """

    def __init__(self, limit: float = 20, prob: float = .5) -> None:
        super().__init__(prob)
        self.limit = limit

    def change(self, image: Image) -> Image:
        """Shift the channels."""
        table = np.stack([
            _LEVELS + random.uniform(-self.limit, self.limit)
            for _ in range(3)
        ], -1)
        table = table.clip(0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(image, table[:, None]), np.uint8)


@TRANSFORMS.register_module()
class LocalContrast(_Sometimes):
    """CLAHE of the lightness: equalise each tile's histogram, with a limit.

    Args:
        clip: Range of the limit; larger is stronger.
        tiles: Tiles along each side.
        prob: Of doing anything.
    """

    def __init__(self,
                 clip: tuple[float, float] = (1., 4.),
                 tiles: int = 8,
                 prob: float = .5) -> None:
        super().__init__(prob)
        self.clip = clip
        self.tiles = tiles

    def change(self, image: Image) -> Image:
        """Equalise the lightness; colours stay."""
        lab = cv2.cvtColor(image, cv2.COLOR_BGR2LAB)
        clahe = cv2.createCLAHE(
            random.uniform(*self.clip), (self.tiles, self.tiles))
        lab[..., 0] = clahe.apply(np.ascontiguousarray(lab[..., 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


@TRANSFORMS.register_module()
class RandomGrey(_Sometimes):
    """Take the colours out.

    Args:
        prob: Of doing anything.
    """

    def __init__(self, prob: float = .2) -> None:
        super().__init__(prob)

    def change(self, image: Image) -> Image:
        """The lightness in all three channels."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def gamma_lut(gamma: float) -> NDArray[np.uint8]:
    """Table (256,) of ``255 · (v / 255) ** gamma``, rounded.

    Example:
        >>> gamma_lut(.5)[[0, 64, 255]].tolist()
        [0, 128, 255]
    """
    table = 255 * (_LEVELS / 255)**gamma
    return np.asarray(table.round(), np.uint8)
