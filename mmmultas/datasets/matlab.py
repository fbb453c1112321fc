"""One matrix out of a MATLAB file of version 5; nothing else is looked at.

SciPy reads all of a file in C, knows no limit and crashes on some broken
ones; SBD's masks need a numeric field of a struct.
"""
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ['struct_field']

#: Bytes that a file may unpack to; SBD's have a quarter of a megabyte.
LIMIT = 2**26
_MATRIX, _COMPRESSED = 14, 15
_STRUCT, _NUMBERS = 2, range(6, 16)
#: How numbers are stored.
_STORED = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4',
           9: 'f8', 12: 'i8', 13: 'u8'}
Element = tuple[int, bytes]


def struct_field(data: bytes, variable: str,
                 field: str) -> NDArray[Any] | None:
    """A numeric field of a variable that is one struct.

    Args:
        data: The file's bytes.
        variable: Name of the struct.
        field: Name of the field.

    Returns:
        The matrix; None where the file has no such field.

    Raises:
        ValueError: It is no such file, or broken.
    """
    order = {b'IM': '<', b'MI': '>'}.get(data[126:128])
    if order is None or data[:10] != b'MATLAB 5.0':
        raise ValueError('not of version 5')
    try:
        for kind, body in _elements(data[128:], order):
            if kind == _COMPRESSED:
                kind, body = next(_elements(_unpacked(body), order))
            if kind == _MATRIX:
                found = _field(list(_elements(body, order)), order,
                               variable.encode(), field.encode())
                if found is not None:
                    return found
    except (struct.error, zlib.error, StopIteration, IndexError) as error:
        raise ValueError(str(error) or 'cut') from error
    return None


def _elements(data: bytes, order: str) -> Iterator[Element]:
    """Type and body of the elements that follow one another."""
    start = 0
    while start < len(data):
        kind, size = struct.unpack_from(f'{order}II', data, start)
        if kind >> 16:  # up to four bytes stand within the head
            kind, size = kind & 0xffff, kind >> 16
            body, end = data[start + 4:start + 4 + min(size, 4)], start + 8
        else:
            body = data[start + 8:start + 8 + size]
            end = start + 8 + size
            end += 0 if kind == _COMPRESSED else -size % 8
        if len(body) != size:
            raise struct.error('cut')
        yield kind, body
        start = end


def _unpacked(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    body = stream.decompress(data, LIMIT)
    if not stream.eof:
        raise struct.error('cut' if len(body) < LIMIT else
                           f'more than {LIMIT // 2**20} MiB')
    return body


def _field(parts: list[Element], order: str, variable: bytes,
           field: bytes) -> NDArray[Any] | None:
    """Of a struct's parts: flags, size, name, names' length, names, …"""
    if parts[2][1] != variable:
        return None
    if _class(parts, order) != _STRUCT:
        return None
    length, = struct.unpack(f'{order}i', parts[3][1])
    if length < 1:
        raise struct.error('names of no length')
    names = [
        parts[4][1][i:i + length].rstrip(b'\0')
        for i in range(0, len(parts[4][1]), length)
    ]
    if field not in names or len(parts) != 5 + len(names):
        return None
    kind, body = parts[5 + names.index(field)]
    return _numbers(list(_elements(body, order)),
                    order) if kind == _MATRIX else None


def _class(parts: list[Element], order: str) -> int:
    flags, = struct.unpack_from(f'{order}I', parts[0][1])
    return int(flags & 0xff)


def _numbers(parts: list[Element], order: str) -> NDArray[Any] | None:
    if _class(parts, order) not in _NUMBERS or parts[3][0] not in _STORED:
        return None
    shape = np.frombuffer(parts[1][1], f'{order}i4')
    values = np.frombuffer(parts[3][1], order + _STORED[parts[3][0]])
    if (shape < 0).any():
        raise struct.error('a negative size')
    return values.reshape(shape.tolist(), order='F')
