"""Masks whose classes are colours instead of numbers."""
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError

from .label_map import INVALID

__all__ = [
    'ColourTable', 'colour_codes', 'colour_name', 'is_colour', 'parse_colour'
]


@dataclass(frozen=True, eq=False)
class ColourTable:
    """Colour → train id.

    Attributes:
        codes: (K,) uint32, 0xRRGGBB, ascending.
        ids: (K,) uint8, a train id or 255 per colour.
    """
    codes: NDArray[np.uint32]
    ids: NDArray[np.uint8]

    @classmethod
    def build(cls, ids: Mapping[int, int]) -> 'ColourTable':
        """From a mapping of colour codes to ids."""
        codes = sorted(ids)
        return cls(
            np.array(codes, np.uint32),
            np.array([ids[code] for code in codes], np.uint8))

    def ids_of(self, codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Look (H, W) codes up; 254 where the table has no such colour.

        Example:
            >>> table = ColourTable.build({0x000000: 0, 0xff0000: 1})
            >>> table.ids_of(np.array([[0xff0000, 7]], np.uint32)).tolist()
            [[1, 254]]
        """
        places = np.searchsorted(self.codes, codes)
        places = np.minimum(places, len(self.codes) - 1)
        return np.where(self.codes[places] == codes, self.ids[places],
                        np.uint8(INVALID))


def colour_codes(bgr: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(H, W, 3) in OpenCV's order → (H, W) uint32 0xRRGGBB."""
    blue, green, red = (
        np.asarray(bgr[..., i], np.uint32) for i in range(3))
    return np.asarray(red << 16 | green << 8 | blue, np.uint32)


def colour_name(code: int) -> str:
    """The name that configs use.

    Example:
        >>> colour_name(0x8000ff)
        '#8000ff'
    """
    return f'#{code:06x}'


def is_colour(value: object) -> TypeGuard[str]:
    """Whether a config's mask value is meant as a colour."""
    return isinstance(value, str)


def parse_colour(value: str) -> int:
    """'#rrggbb' → 0xRRGGBB.

    Raises:
        ConfigError: Another text.
    """
    if not re.fullmatch('#[0-9a-fA-F]{6}', value):
        raise ConfigError(f'`mask_values` has {value!r}; write colours as '
                          f"'#rrggbb', for example '#ff0000' for red.")
    return int(value[1:], 16)
