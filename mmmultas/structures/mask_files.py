"""Masks as files: class numbers as a PNG that every reader takes as such."""
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmmultas.utils.errors import ConfigError

from .palette import voc_colour

__all__ = ['MAX_CLASSES', 'check_class_count', 'write_index_mask']

#: Numbers 0 to 254; 255 is "ignored" for whoever reads a mask.
MAX_CLASSES = 255


def check_class_count(count: int, option: str) -> None:
    """Refuse to write masks whose numbers would not fit 8 bits.

    Raises:
        ConfigError: There are more than :data:`MAX_CLASSES`.
    """
    if count > MAX_CLASSES:
        raise ConfigError(
            f'{option} writes masks of 8 bits, for up to {MAX_CLASSES} '
            f'classes, and the data have {count}: leave it out.')


def write_index_mask(path: Path,
                     labels: NDArray[Any],
                     palette: Sequence[Sequence[int]] | None = None) -> None:
    """Write class numbers as an 8-bit PNG with a palette.

    Without one, some readers stretch the numbers to 0 and 255.

    Args:
        path: The file.
        labels: (H, W), numbers up to 254.
        palette: RGB triples; VOC's wheel fills up what is missing.

    Raises:
        ConfigError: A number that does not fit.
    """
    check_class_count(int(labels.max(initial=0)) + 1, f'{path}')
    picture = Image.fromarray(labels.astype(np.uint8))
    colours = [tuple(colour) for colour in palette or ()][:256]
    colours += [voc_colour(index) for index in range(len(colours), 256)]
    picture.putpalette([int(v) for colour in colours for v in colour])
    picture.save(path)
