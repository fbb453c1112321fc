"""From the bytes of a file to pixels; a broken file is named."""
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image
from numpy.typing import NDArray

from mmmultas.utils.errors import DataError
from mmmultas.utils.pictures import decode_bgr

from .colours import colour_codes
from .files import PNG, refuse_bomb

__all__ = [
    'decode_colours', 'decode_ids', 'decode_image', 'decode_mask',
    'decode_values'
]

_GREY, _PALETTE = 0, 3
_ANIMATED = {b'acTL', b'fcTL', b'fdAT'}


def decode_image(data: bytes, path: str, exif: bool) -> NDArray[np.uint8]:
    """Decode a photograph as BGR, whatever its file holds.

    Args:
        data: The file's bytes.
        path: For the message.
        exif: Whether it is turned as its EXIF tag says.

    Returns:
        (H, W, 3) uint8.

    Raises:
        DataError: Truncated or no picture.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace the image.')
    refuse_bomb(data, path, 'image')
    img = _safely(lambda still: decode_bgr(still, exif), data)
    if img is None:
        raise DataError(f'{path} is no image that can be decoded; '
                        f'replace it.')
    return np.asarray(img)


def decode_values(data: bytes, path: str) -> NDArray[Any]:
    """Decode a picture to the values that the file holds.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) or (H, W, C), channels in OpenCV's order (BGR), of the
        file's type: uint8, uint16 or, of an EXR file, float32.

    Raises:
        DataError: Truncated or not decodable.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace it.')
    refuse_bomb(data, path, 'map')
    values = _decode(data)
    if values is None:
        raise DataError(f'{path} is no map that can be decoded; replace it.')
    return np.asarray(values)


def decode_mask(data: bytes, path: str) -> NDArray[np.uint8]:
    """Decode a mask to its raw values: palette entries stay numbers.

    OpenCV turns palettes into colours (DESIGN trap 5) and stretches values
    of less than 8 bits. An 8-bit PNG is therefore presented to it as a grey
    one without palette, by four changed bytes: twice as fast as Pillow.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint8.

    Raises:
        DataError: Truncated, not decodable, or with colours.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace the mask.')
    refuse_bomb(data, path, 'mask')
    try:
        if data[:8] == PNG:
            data = _plain_numbers(data)
        mask = _decode(data)
    except (struct.error, IndexError):  # a broken header
        mask = None
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    if mask.ndim != 2:
        raise DataError(
            f'{path} has colours, where masks have one class number per '
            f'pixel; save it as a grey or palette PNG of class numbers, or '
            f"name the classes by colours (`mask_values=('#000000', …)`).")
    if mask.dtype != np.uint8:
        raise DataError(f'{path} has {8 * mask.itemsize} bits per pixel, '
                        f'masks have 8; save it as a PNG of 8 bits, with '
                        f'class numbers up to 255.')
    return np.asarray(mask)


def decode_ids(data: bytes, path: str) -> NDArray[np.uint16]:
    """Decode a picture of one number of up to 16 bits per pixel.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint16.

    Raises:
        DataError: Truncated, not decodable, or with colours.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace it.')
    refuse_bomb(data, path, 'mask')
    ids = _decode(data)
    if ids is None:
        raise DataError(f'{path} is no picture that can be decoded; replace '
                        f'it.')
    if ids.ndim != 2 or ids.dtype not in (np.uint8, np.uint16):
        raise DataError(f'{path} has colours; numbers of instances want one '
                        f'channel.')
    return np.asarray(ids, np.uint16)


def decode_colours(data: bytes, path: str) -> NDArray[np.uint32]:
    """Decode a mask whose classes are colours.

    Args:
        data: The file's bytes.
        path: For the message.

    Returns:
        (H, W) uint32, 0xRRGGBB.

    Raises:
        DataError: Truncated or not decodable.
    """
    if _truncated(data):
        raise DataError(f'{path} is truncated; replace the mask.')
    refuse_bomb(data, path, 'mask')
    mask = _safely(lambda still: decode_bgr(still, exif=False), data)
    if mask is None:
        raise DataError(f'{path} is no mask that can be decoded; replace it.')
    return colour_codes(mask)


def _plain_numbers(data: bytes) -> bytes:
    """Rewrite a PNG of one channel so that its values are numbers."""
    depth, colour = data[24], data[25]
    if colour not in (_GREY, _PALETTE) or depth > 8:
        return data
    if depth < 8:
        return _widened(data)
    return _rewritten(data, _GREY)


def _rewritten(data: bytes, colour: int, palette: bytes = b'') -> bytes:
    head = b'IHDR' + data[16:25] + bytes([colour]) + data[26:29]
    parts = [PNG, _chunk(head), palette]
    parts += [
        data[start:end] for kind, start, end in _chunks(data)
        if kind in (b'IDAT', b'IEND')
    ]
    return b''.join(parts)


def _widened(data: bytes) -> bytes:
    """1, 2 or 4 bits to 8 by Pillow, which leaves palette entries alone."""
    grey = bytes(i for i in range(2**data[24]) for _ in range(3))
    data = _rewritten(data, _PALETTE, _chunk(b'PLTE' + grey))
    try:
        with Image.open(io.BytesIO(data), formats=('PNG', )) as picture:
            values = np.array(picture)
    except Exception:  # Pillow's readers raise whatever they stumble over
        return b''
    return bytes(cv2.imencode('.png', values)[1])


def _chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """Kind, start and end of a PNG's chunks up to the last one.

    Raises:
        struct.error: One says that it is longer than the file; OpenCV would
            take up to 4 GiB of memory for it.
    """
    found: list[tuple[bytes, int, int]] = []
    start, kind = len(PNG), b''
    while kind != b'IEND':
        size, kind = struct.unpack_from('>I4s', data, start)
        end = start + size + 12
        if end > len(data):
            raise struct.error('a chunk ends behind the file')
        found.append((kind, start, end))
        start = end
    return found


def _chunk(kind_and_body: bytes) -> bytes:
    return (struct.pack('>I',
                        len(kind_and_body) - 4) + kind_and_body +
            struct.pack('>I', zlib.crc32(kind_and_body)))


def _decode(data: bytes) -> Any:
    """Decode to the values that the file holds."""
    return _safely(
        lambda still: cv2.imdecode(
            np.frombuffer(still, np.uint8), cv2.IMREAD_UNCHANGED), data)


def _safely(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(_still(data) if data[:8] == PNG else data)
    except (cv2.error, struct.error):  # an empty file, a cut chunk
        return None


def _still(data: bytes) -> bytes:
    """A PNG without its animation: OpenCV crashes on broken ones."""
    chunks = _chunks(data)
    if not any(kind in _ANIMATED for kind, _, _ in chunks):
        return data
    return PNG + b''.join(data[start:end] for kind, start, end in chunks
                          if kind not in _ANIMATED)


def _truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG ends early; OpenCV fills up with grey."""
    if data[:8] == PNG:
        return b'IEND' not in data[-64:] and b'IEND' not in data
    if data[:2] != b'\xff\xd8' or data.endswith(b'\xff\xd9'):
        return False
    # bytes may follow the end marker, and a thumbnail has one of its own
    return data.rfind(b'\xff\xd9') <= data.rfind(b'\xff\xda')
