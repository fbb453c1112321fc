"""Files of others: only whole, plain ones of a bearable size are read."""
import io
import os
import reprlib
import stat
import struct
import warnings
from typing import IO, Any

from PIL import Image

from mmmultas.utils.errors import DataError

__all__ = [
    'MAX_PIXELS', 'bits_of', 'picture_size', 'png_header', 'png_palette',
    'read_bytes', 'refuse_bomb', 'shown'
]

#: Pixels that a picture may unpack to: 400 MB in three channels.
MAX_PIXELS = 2**27
#: Bytes that a file may have where its reader sets no other limit.
MAX_BYTES = 2**29
PNG = b'\x89PNG\r\n\x1a\n'
#: Markers of a JPEG that tell the size; between them are tables (DHT, …).
_FRAMES = {*range(0xc0, 0xd0)} - {0xc4, 0xc8, 0xcc}
_BARE = {0x01, *range(0xd0, 0xd9)}
#: What Pillow is asked about; it knows formats that run programs, too.
_OTHERS = ('BMP', 'GIF', 'JPEG2000', 'PPM', 'TIFF', 'WEBP')


def read_bytes(path: str | os.PathLike[str],
               what: str,
               limit: int = MAX_BYTES,
               head: int | None = None) -> bytes:
    """Read a file at once; pipes and devices, which may hang, are refused.

    Args:
        path: The file.
        what: 'image', 'mask' …, for the message.
        limit: Bytes that it may have.
        head: Read so many bytes only.

    Raises:
        DataError: It cannot be read, is no plain file or too large.
    """
    try:
        with open(path, 'rb', opener=_open) as file:
            size = _checked_size(file, path, limit)
            return file.read(size + 1 if head is None else head)
    except DataError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or str(error)
        raise DataError(f'Cannot read the {what} {path} '
                        f'({reason}).') from error


def _open(path: str, flags: int) -> int:
    # a pipe without a writer would never open; plain files do not care
    return os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))


def _checked_size(file: IO[bytes], path: str | os.PathLike[str],
                  limit: int) -> int:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f'{path} is no plain file; replace it.')
    if status.st_size > limit:
        raise DataError(f'{path} has {status.st_size / 2**20:.0f} MiB, more '
                        f'than the {limit / 2**20:.0f} that it may have; '
                        f'replace it.')
    return status.st_size


def refuse_bomb(data: bytes, path: str | os.PathLike[str],
                what: str) -> None:
    """Refuse pictures that unpack to more than :data:`MAX_PIXELS`.

    Args:
        data: The file's bytes.
        path: For the message.
        what: 'image' or 'mask', likewise.

    Raises:
        DataError: Its header says so, or says nothing.
    """
    size = picture_size(data)
    if size is None:
        raise DataError(f'{path} is no {what} that can be decoded; replace '
                        f'it.')
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(f'{path} has more than the {MAX_PIXELS / 1e6:.0f} '
                        f'million pixels that a picture may have; cut it '
                        f'into parts.')


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) as the header says it; None where it says nothing."""
    if data[:8] == PNG:
        return png_header(data)
    if data[:2] == b'\xff\xd8':
        return _jpeg_size(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            with Image.open(io.BytesIO(data), formats=_OTHERS) as picture:
                return picture.height, picture.width
    except Image.DecompressionBombError:  # its limit is above ours
        return MAX_PIXELS, 2
    except Exception:  # Pillow's readers raise whatever they stumble over
        return None


def png_header(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a PNG; None where its header is broken."""
    if len(data) < 24 or data[:8] != PNG or data[12:16] != b'IHDR':
        return None
    width, height = struct.unpack('>II', data[16:24])
    return height, width


def png_palette(data: bytes) -> dict[int, str]:
    """Colours '#rrggbb' of a PNG's own palette; empty where it has none."""
    if len(data) < 33 or data[:8] != PNG or data[25] != 3:
        return {}
    place = data.find(b'PLTE', 33, 4096)
    if place < 4:
        return {}
    size = int.from_bytes(data[place - 4:place], 'big')
    body = data[place + 4:place + 4 + min(size, 768)]
    return {
        i: f'#{body[3 * i:3 * i + 3].hex()}'
        for i in range(len(body) // 3)
    }


def bits_of(data: bytes) -> int:
    """Bits per channel of a picture; 8 where its header does not tell."""
    if data[:8] == PNG and len(data) > 24:
        return max(data[24], 8)
    if data[:4] not in (b'II*\0', b'MM\0*'):
        return 8
    try:
        with Image.open(io.BytesIO(data), formats=('TIFF', )) as picture:
            tags: Any = picture
            return max(int(b) for b in tags.tag_v2.get(258, (8, )))
    except Exception:  # Pillow's readers raise whatever they stumble over
        return 8


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xff:  # libjpeg looks for the next marker, too
            place = data.find(b'\xff', place)
            if place < 0:
                return None
            continue
        marker = data[place + 1]
        if marker == 0xff:  # filled up
            place += 1
        elif marker in _BARE:
            place += 2
        elif marker in _FRAMES:
            height, width = struct.unpack_from('>HH', data, place + 5)
            return height, width
        else:
            place += 2 + int.from_bytes(data[place + 2:place + 4], 'big')
    return None


def shown(value: object, most: int = 60) -> str:
    """What a file says, for a message: quoted, on one line, not too long.

    Example:
        >>> shown('cat'), shown('x' * 99, 5)
        ("'cat'", "'xxxxx…")
    """
    if not isinstance(value, str):
        text = reprlib.repr(value)  # nested ones without end, too
        return text if len(text) <= most + 2 else f'{text[:most]}…'
    text = repr(value[:most])
    return text if len(value) <= most else f'{text[:-1]}…'
