"""Photographs, upright or as they are stored: one rule for every door.

Cameras store pictures as the sensor lay and note in the EXIF tag
``Orientation`` how they are to be turned. Annotation tools show them turned,
and so does this package everywhere, unless ``LoadImage(exif=False)`` says
that labels were drawn on the pixels as stored.
"""
import io
import os
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .errors import DataError

__all__ = ['decode_bgr', 'orientation_of', 'read_rgb', 'swaps_sides']

#: Number of the EXIF tag.
_ORIENTATION = 0x0112
#: Formats that are turned on demand; OpenCV turns every TIFF.
_FORMATS = ('JPEG', 'PNG', 'WEBP')
_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION


def decode_bgr(data: bytes, exif: bool = True) -> Any:
    """Decode a picture, upright or as stored.

    Args:
        data: The file's bytes.
        exif: Whether it is turned as its tag says.

    Returns:
        (H, W, 3) uint8 BGR, or None where it cannot be decoded.

    Raises:
        cv2.error: There are no bytes.
    """
    webp = data[:4] == b'RIFF' and data[8:12] == b'WEBP'
    flags = cv2.IMREAD_COLOR if exif and not webp else _AS_STORED
    image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if exif and webp and image is not None:  # OpenCV leaves it as stored
        image = _turned(image, orientation_of(data))
    return image


def _turned(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply one of the eight orientations of EXIF."""
    if orientation >= 5:  # mirrored at the diagonal, then as 1 to 4
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def read_rgb(path: str | os.PathLike[str],
             exif: bool = True) -> NDArray[np.uint8]:
    """Read a picture to be looked at, (H, W, 3) RGB.

    Args:
        path: The file.
        exif: Whether the picture is turned as its tag says; metainfo
            ``exif`` of a sample tells how its labels lie.

    Raises:
        DataError: It cannot be read.
    """
    try:
        picture = decode_bgr(Path(path).read_bytes(), exif)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise DataError(f'{path} cannot be read as a picture.')
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def orientation_of(data: bytes) -> int:
    """The EXIF orientation of a file's bytes, 1 (upright) to 8.

    3 is upside down; 5 to 8 swap height and width.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow's readers raise whatever they stumble over
        return 1
    return found if found in range(1, 9) else 1


def swaps_sides(orientation: int) -> bool:
    """Whether a picture of this orientation is turned by 90 degrees."""
    return orientation >= 5
