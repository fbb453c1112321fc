"""What readers share."""
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mmmultas.datasets.files import picture_size, read_bytes
from mmmultas.projects.records import Opened
from mmmultas.utils.errors import DataError
from mmmultas.utils.pictures import orientation_of, swaps_sides

__all__ = ['Format', 'files_below', 'image_size', 'load_json', 'near']

#: COCO's whole training set has 450 MB.
_MAX_BYTES = 2**33


@dataclass(frozen=True)
class Format:
    """A form of labels.

    Attributes:
        name: 'YOLO txt', …
        looks: How it is recognised, in a few words.
        gives: Tasks: 'det', 'seg' or both.
        open: The labels at a path, None where they have another form.
    """
    name: str
    looks: str
    gives: tuple[str, ...]
    open: Callable[[Path], Opened | None]


def files_below(folder: Path, suffix: str) -> Iterator[Path]:
    """Files of a folder and its subfolders, sorted; no hidden ones."""
    if folder.is_dir():
        for path in sorted(folder.rglob(f'*{suffix}')):
            if path.is_file() and not path.name.startswith('.'):
                yield path


def near(path: Path) -> list[Path]:
    """Where images of a file of labels may lie."""
    parent, above = path.parent, path.parent.parent
    part = path.stem.rpartition('_')[2]  # instances_train2017.json
    return [parent / 'images', parent, above / 'images', above / part,
            above / 'images' / part]


def load_json(path: Path) -> Any:
    """The content of a json, not to be changed; None where it is none.

    Raises:
        DataError: It cannot be read.
    """
    status = os.stat(path)
    return _loaded(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _loaded(path: Path, time: int, size: int) -> Any:
    """Several readers look at one file, which may be large."""
    data = read_bytes(path, 'labels', _MAX_BYTES)
    try:
        return json.loads(data.decode('utf-8-sig'))
    except (ValueError, RecursionError):
        return None


def image_size(path: str, cache: dict[str, Any] | None = None
               ) -> tuple[int, int]:
    """(height, width) of an image, upright as its EXIF tag says.

    Args:
        path: The image.
        cache: Sizes that are known.

    Raises:
        DataError: It has no header that tells it.
    """
    if cache is not None and path in cache:
        known: tuple[int, int] = cache[path]
        return known
    data = read_bytes(path, 'image')
    size = picture_size(data)
    if size is None:
        raise DataError(f'{path} is no image that can be decoded; replace '
                        f'it.')
    if swaps_sides(orientation_of(data)):
        size = size[::-1]
    if cache is not None:
        cache[path] = size
    return size


def number(entry: Mapping[str, Any], key: str) -> Any:
    """An entry's positive whole number, or None."""
    value = entry.get(key)
    return int(value) if isinstance(value, (int, float)) and value > 0 else (
        None)
