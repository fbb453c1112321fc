"""Files that appear in one piece or not at all."""
import contextlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmmultas.utils.errors import DataError

from .files import png_header

__all__ = [
    'Track', 'is_whole_png', 'silent', 'write_json', 'write_png',
    'write_whole'
]

Colours = Sequence[Sequence[int]]
_END = b'IEND\xaeB`\x82'


class Track(Protocol):
    """Wraps what a loop runs over, as ``utils.progress.progress`` does."""

    def __call__(self, items: Iterable[Any], *, total: int,
                 what: str) -> Iterable[Any]:
        """``total`` items, with ``what`` in front of the bar."""


def silent(items: Iterable[Any], *, total: int, what: str) -> Iterable[Any]:
    """A :class:`Track` without a bar."""
    return items


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file under another name, then rename it; folders are made.

    Raises:
        DataError: It cannot be written.
    """
    path = Path(path)
    part = path.with_name(f'{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise DataError(f'{path} cannot be written ({error.strerror}); free '
                        f'the disk or name another folder.') from error


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write ``content`` without spaces, in one piece."""
    text = json.dumps(content, separators=(',', ':'))
    write_whole(path, text.encode())


def write_png(path: str | os.PathLike[str],
              picture: NDArray[np.uint8],
              palette: Colours | None = None) -> None:
    """Write a PNG in one piece.

    Args:
        path: Its name.
        picture: (H, W, 3) RGB, or (H, W) numbers.
        palette: RGB colours of the numbers from 0 on, for people; without
            one they are grey levels.
    """
    image = Image.fromarray(picture)
    if palette is not None:
        colours = np.zeros((256, 3), np.uint8)
        colours[:len(palette)] = palette
        image.putpalette(colours.ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, 'png')
    write_whole(path, buffer.getvalue())


def is_whole_png(path: str | os.PathLike[str], size: tuple[int, int]) -> bool:
    """Whether a PNG of ``size`` (height, width) is there up to its end."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        return False
    return png_header(data) == size and data.endswith(_END)
