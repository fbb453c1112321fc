"""Boxes of a COCO json, by class name.

Classes are found by their names, never by the order of ``categories``:
another order in a second file changes nothing.
"""
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from mmmultas.utils.errors import DataError

from .box_units import unit_problem
from .checks import FARTHEST, MAX_CLASS_NAME
from .files import read_bytes, shown
from .problems import WARNING, Problem, first_of

__all__ = ['CocoBox', 'CocoFile', 'CocoImage', 'read_coco', 'scan_coco']


#: Objects365 has 5 GiB.
_MAX_BYTES = 2**33
#: Bytes of a path, as Linux has it.
_MAX_PATH = 4095


@dataclass(frozen=True)
class CocoBox:
    """One annotation; ``bbox`` is xyxy in pixels, from 0."""
    name: str
    bbox: tuple[float, float, float, float]
    ignore: bool


@dataclass(frozen=True)
class CocoImage:
    """One image; ``size`` is (height, width), None where not told."""
    img_id: Any
    file_name: str
    size: tuple[int, int] | None
    boxes: list[CocoBox] = field(default_factory=list)


@dataclass(frozen=True)
class CocoFile:
    """Names of the categories, in the file's order, and the images."""
    classes: tuple[str, ...]
    images: list[CocoImage]


def read_coco(path: str | os.PathLike[str]) -> CocoFile:
    """Read a file and insist on it.

    Raises:
        DataError: Missing, no COCO json, or with contradictions.
    """
    coco, problems = scan_coco(path)
    first_of(problems)
    return coco


def scan_coco(path: str | os.PathLike[str],
              anywhere: bool = False) -> tuple[CocoFile, list[Problem]]:
    """Read a file, going on behind entries that cannot be used.

    Args:
        path: A json with ``images``, ``annotations`` and ``categories``.
        anywhere: Take the last part of file names that lead out of the
            folder of images (``/home/me/1.jpg``, ``../1.jpg``), which are a
            problem else.

    Returns:
        tuple: What can be used, and a problem for each thing that cannot.

    Raises:
        DataError: Missing, or no COCO json at all.
    """
    content = _load(path)
    reader = _Reader(str(path), anywhere)
    names = reader.categories(content['categories'])
    images = reader.images(content['images'])
    reader.annotations(content['annotations'], names, images)
    classes = tuple(dict.fromkeys(names.values()))
    found = CocoFile(classes, list(images.values()))
    problem = _unit_problem(str(path), found)
    return found, reader.problems + ([problem] if problem else [])


def _unit_problem(path: str, coco: CocoFile) -> Problem | None:
    boxes, sizes = [], []
    for image in coco.images:
        for x1, y1, x2, y2 in (box.bbox for box in image.boxes):
            boxes.append((x1, y1, x2 - x1, y2 - y1))
            sizes.append(image.size[::-1] if image.size else (np.nan, np.nan))
    return unit_problem(path, np.array(boxes), np.array(sizes, float))


def _load(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    data = read_bytes(path, 'boxes', _MAX_BYTES)
    try:
        content = json.loads(data.decode('utf-8-sig'))
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path} is no usable json file ({error}); mend or '
                        f'export it again.') from error
    keys = ('images', 'annotations', 'categories')
    lists = content if isinstance(content, dict) else {}
    missing = [k for k in keys if not isinstance(lists.get(k), list)]
    if missing:
        raise DataError(f'{path} is no COCO json, since it has no list '
                        f'{missing[0]!r}; export the boxes as COCO '
                        f'"instances".')
    return lists


class _Reader:
    """Collects what cannot be used."""

    def __init__(self, path: str, anywhere: bool = False) -> None:
        self.path = path
        self.anywhere = anywhere
        self.problems: list[Problem] = []

    def _wrong(self, reason: str, mend: str = 'mend the entry') -> None:
        self.problems.append(Problem(self.path, reason, mend, 'entry'))

    def categories(self, entries: list[Any]) -> dict[Any, str]:
        names: dict[Any, str] = {}
        for entry in entries:
            number, name = _get(entry, 'id'), _get(entry, 'name')
            if not isinstance(number, (int, str)) or not isinstance(
                    name, str) or not name:
                self._wrong('has a category without id or name')
            elif len(name) > MAX_CLASS_NAME:
                self._wrong(f'has the category {shown(name)}')
            elif number in names:
                self._wrong(f'has the category id {shown(number)} twice')
            else:
                names[number] = name
        return names

    def images(self, entries: list[Any]) -> dict[Any, CocoImage]:
        images: dict[Any, CocoImage] = {}
        known: set[str] = set()
        for entry in entries:
            number, name = _get(entry, 'id'), _get(entry, 'file_name')
            if not isinstance(number, (int, str)) or not isinstance(
                    name, str) or not name:
                self._wrong('has an image without id or file_name')
                continue
            path = PurePosixPath(name.replace('\\', '/'))
            if self.anywhere and (path.is_absolute() or '..' in path.parts):
                path = PurePosixPath(path.name)
            if (path.is_absolute() or '..' in path.parts or not path.name
                    or not name.isprintable() or len(name) > _MAX_PATH):
                self._wrong(
                    f'names the image {shown(name)} outside its folder',
                    'write paths below the image folder')
            elif number in images or str(path) in known:
                self._wrong(f'lists the image {shown(name)} '
                            f'(id {shown(number)}) twice')
            else:
                known.add(str(path))
                images[number] = CocoImage(number, str(path), _size(entry))
        return images

    def annotations(self, entries: list[Any], names: Mapping[Any, str],
                    images: Mapping[Any, CocoImage]) -> None:
        lost: dict[str, list[Any]] = {'image_id': [], 'category_id': []}
        for entry in entries:
            keys = {key: _get(entry, key) for key in lost}
            image = _lookup(images, keys['image_id'])
            name = _lookup(names, keys['category_id'])
            box = _box(_get(entry, 'bbox')) or _hull(entry)
            if image is None:
                lost['image_id'].append(keys['image_id'])
            elif name is None:
                lost['category_id'].append(keys['category_id'])
            elif box is None:
                self._wrong(f'has annotation {shown(_get(entry, "id"))} of '
                            f'{image.file_name} whose bbox is not four '
                            f'numbers: {shown(_get(entry, "bbox"))}')
            else:
                skip = bool(_get(entry, 'iscrowd') or _get(entry, 'ignore'))
                image.boxes.append(CocoBox(name, box, skip))
        self._lost('image_id', lost['image_id'], images)
        self._lost('category_id', lost['category_id'], names)
        turned = [_get(e, 'id') for e in entries if _is_turned(e)]
        if turned:  # CVAT writes the box as it was before
            self.problems.append(Problem(
                self.path, f'has {len(turned)} boxes with a `rotation`, '
                f'annotation {shown(turned[0])} for example, which are read '
                'as if they were not turned', 'export as "CVAT for images", '
                'whose turned boxes are read', 'box', WARNING))

    def _lost(self, key: str, ids: list[Any], known: Mapping[Any, Any]
              ) -> None:
        """Say once which ids lead nowhere, and what the others look like."""
        if not ids:
            return
        what = 'images' if key == 'image_id' else 'categories'
        there = shown(next(iter(known), None))
        mend = 'mend the entries or export again'
        if any(_alike(i, k) for i in ids[:10] for k in known):
            mend = f'write the ids of {what} and annotations alike'
        self._wrong(
            f'has {len(ids)} annotations of an {key} that it does not list, '
            f'for example {shown(ids[0])}; ids of its {what} are such as '
            f'{there}', mend)


def _is_turned(entry: Any) -> bool:
    degrees = _get(_get(entry, 'attributes'), 'rotation')
    return isinstance(degrees, (int, float)) and degrees % 360 != 0 and (
        not _get(entry, 'segmentation'))


def _alike(one: Any, other: Any) -> bool:
    """Whether two ids are one number in two forms: 7, '7', '007'."""
    texts = [str(x).strip().lstrip('0') for x in (one, other)]
    return type(one) is not type(other) and texts[0] == texts[1]


def _get(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None


def _lookup(table: Mapping[Any, Any], key: Any) -> Any:
    return table.get(key) if isinstance(key, (int, str)) else None


def _size(entry: Any) -> tuple[int, int] | None:
    height, width = _get(entry, 'height'), _get(entry, 'width')
    if isinstance(height, int) and isinstance(width, int) and min(
            height, width) > 0:
        return height, width
    return None


def _box(bbox: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(bbox, list) or len(bbox) != 4:
        return None
    # abs() first: an int may be too large for a float
    if not all(type(v) in (int, float) and abs(v) <= FARTHEST
               for v in bbox):
        return None
    x, y, width, height = map(float, bbox)
    return x, y, x + width, y + height


def _hull(entry: Any) -> tuple[float, float, float, float] | None:
    """The box around polygons, where an annotation has no box."""
    shape = _get(entry, 'segmentation')
    if _get(entry, 'bbox') is not None or not isinstance(shape, list):
        return None
    numbers = [v for part in shape if isinstance(part, list) for v in part]
    if len(numbers) < 4 or len(numbers) % 2 or not all(
            type(v) in (int, float) and abs(v) <= FARTHEST for v in numbers):
        return None
    x, y = numbers[::2], numbers[1::2]
    return float(min(x)), float(min(y)), float(max(x)), float(max(y))
