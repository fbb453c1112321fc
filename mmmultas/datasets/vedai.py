"""VEDAI: vehicles seen from above, as a COCO json per part of a fold.

Images stay where they are: FolderDataset finds ``NNNNNNNN_co.png`` with
``image_suffix='_co.png'``; the infrared ``_ir.png`` are not used.
"""
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmmultas.utils.errors import ConfigError, DataError

from .checks import check_ids, png_size
from .files import read_bytes, shown
from .writing import Track, silent, write_json

__all__ = [
    'CLASSES', 'FOLDS', 'LEFT_OUT', 'Vehicle', 'convert_vedai', 'read_fold',
    'read_joint', 'read_single'
]

#: Class ids of the annotations.
CLASSES = {
    1: 'car',
    2: 'truck',
    11: 'pickup',
    4: 'tractor',
    5: 'camper',
    23: 'ship',
    9: 'van',
    10: 'others'
}
#: Ids of further classes, which the paper does not judge: no boxes.
LEFT_OUT = {7: 'motorcycle', 8: 'bus', 31: 'plane'}
FOLDS = tuple(range(1, 11))
_MAX_BYTES = 2**24
#: Places of the class id and of the eight corner coordinates.
_SINGLE = (14, 3, 6)
_JOINT = (15, 12, 4)


@dataclass(frozen=True)
class Vehicle:
    """A line of an annotation.

    Attributes:
        label: Class id.
        corners: x1 … x4, y1 … y4 of the turned rectangle, in pixels.
    """
    label: int
    corners: tuple[float, ...]

    def box(self, size: tuple[int, int]) -> tuple[float, ...] | None:
        """Upright (x, y, w, h) inside (height, width), None if outside."""
        xs, ys = self.corners[:4], self.corners[4:]
        x1, x2 = (min(max(f(xs), 0.), size[1]) for f in (min, max))
        y1, y2 = (min(max(f(ys), 0.), size[0]) for f in (min, max))
        if x2 <= x1 or y2 <= y1:
            return None
        return x1, y1, x2 - x1, y2 - y1


def convert_vedai(root: str | os.PathLike[str],
                  size: int = 512,
                  out: str | os.PathLike[str] | None = None,
                  folds: Sequence[int] = FOLDS,
                  track: Track = silent) -> dict[str, int]:
    """Write ``foldNN_train.json`` and ``foldNN_test.json``.

    Args:
        root: Folder with ``Vehicules512`` and ``Annotations512``, or with
            those of 1024. Lists ``foldNN.txt`` and ``foldNNtest.txt`` are
            looked for among the annotations and in ``root``. Read is the
            annotation of each image (``NNNNNNNN.txt``) where there are such
            files, else the joint ``annotation512.txt``.
        size: 512 or 1024, the side of the images.
        out: Where they go, by default ``boxes512`` below ``root``.
        folds: Numbers from 1 to 10.
        track: Progress bar.

    Returns:
        Numbers: ``folds``, ``images``, ``boxes``, ``left out`` (boxes of
        the other classes), ``outside`` (of the image) and
        ``without corners`` (images, left out), each counted once.

    Raises:
        ConfigError: Another size, or a fold that does not exist.
        DataError: A missing, broken or contradictory file.
    """
    root = Path(root)
    if size not in (512, 1024):
        raise ConfigError(f'VEDAI has images of 512 and 1024 pixels, not of '
                          f'{size}.')
    if not folds or not set(folds) <= set(FOLDS):
        raise ConfigError(f'VEDAI has folds 1 to 10, not {list(folds)}.')
    images, notes = root / f'Vehicules{size}', root / f'Annotations{size}'
    parts = {(fold, part): read_fold([notes, root], fold, part)
             for fold in folds for part in ('train', 'test')}
    for fold in folds:
        _refuse_leak(fold, parts[fold, 'train'], parts[fold, 'test'])
    names = sorted({name for ids in parts.values() for name in ids})
    vehicles = _annotations(notes, size, names)
    sizes = {
        name: png_size(images / f'{name}_co.png')
        for name in track(names, total=len(names), what='images')
    }
    usable = {n: v for n, v in vehicles.items() if v is not None}
    target = Path(out) if out else root / f'boxes{size}'
    for (fold, part), ids in parts.items():
        write_json(target / f'fold{fold:02d}_{part}.json',
                   _coco([n for n in ids if n in usable], usable, sizes))
    counts = _counts(usable, sizes)
    return dict(
        folds=len(folds),
        images=len(usable),
        boxes=counts['boxes'],
        **{
            'left out': counts['left out'],
            'outside': counts['outside'],
            'without corners': len(vehicles) - len(usable)
        })


def read_fold(folders: Sequence[Path], fold: int, part: str) -> list[str]:
    """Image numbers of a list, eight digits each.

    Raises:
        DataError: The list is in none of the folders, or broken.
    """
    name = f'fold{fold:02d}{"test" if part == "test" else ""}.txt'
    for folder in folders:
        path = folder / name
        if not path.is_file():
            continue
        ids = check_ids(_text(path, 'fold').split(), str(path))
        wrong = next((i for i in ids if not i.isdecimal()), None)
        if wrong is not None:
            raise DataError(f'{path} holds {shown(wrong)}, which is no image '
                            f'number; unpack the annotations again.')
        return [i.zfill(8) for i in ids]
    raise DataError(f'{name} is neither in {folders[0]} nor in {folders[-1]}; '
                    f'unpack the annotations there.')


def read_single(path: str | os.PathLike[str]) -> list[Vehicle] | None:
    """Read the annotation of an image, a line per vehicle.

    ``x y orientation class contained occluded x1 … x4 y1 … y4``

    Returns:
        None where a line has no corners (some files have five columns).

    Raises:
        DataError: Missing, or with a line that cannot be read.
    """
    vehicles = []
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) == 5:
            return None
        vehicles.append(_vehicle(fields, _SINGLE, f'line {number} of {path}'))
    return vehicles


def read_joint(path: str | os.PathLike[str]) -> dict[str, list[Vehicle]]:
    """Read the annotation of all images, a line per vehicle.

    ``image x y orientation x1 … x4 y1 … y4 class contained occluded``

    Raises:
        DataError: Missing, or with a line that cannot be read.
    """
    found: dict[str, list[Vehicle]] = {}
    for number, line in _lines(path):
        fields = line.split()
        vehicle = _vehicle(fields, _JOINT, f'line {number} of {path}')
        found.setdefault(fields[0].zfill(8), []).append(vehicle)
    return found


def _annotations(folder: Path, size: int, names: Sequence[str]
                 ) -> dict[str, list[Vehicle] | None]:
    joint = folder / f'annotation{size}.txt'
    single = {n: folder / f'{n}.txt' for n in names}
    there = [n for n in names if single[n].is_file()]
    if there:
        missing = [n for n in names if n not in set(there)]
        if missing:
            raise DataError(f'{single[missing[0]]} is missing; unpack the '
                            f'annotations again.')
        return {n: read_single(path) for n, path in single.items()}
    if not joint.is_file():
        raise DataError(f'{folder} has neither {names[0]}.txt nor '
                        f'{joint.name}; unpack Annotations{size} there.')
    found = read_joint(joint)
    # an image without vehicles has no line
    return {n: found.get(n, []) for n in names}


def _vehicle(fields: Sequence[str], layout: tuple[int, int, int],
             where: str) -> Vehicle:
    columns, label_at, corners_at = layout
    if len(fields) != columns:
        raise DataError(f'{where} has {len(fields)} columns instead of '
                        f'{columns}; unpack the annotations again.')
    try:
        label = int(fields[label_at])
        corners = tuple(map(float, fields[corners_at:corners_at + 8]))
        if not all(abs(x) < 1e6 for x in corners):  # nan neither
            raise ValueError
    except ValueError:
        raise DataError(f'{where} holds something that is no number; unpack '
                        f'the annotations again.') from None
    if label not in CLASSES and label not in LEFT_OUT:
        raise DataError(f'{where} has the class id {label}, which VEDAI does '
                        f'not have; unpack the annotations again.')
    return Vehicle(label, corners)


def _lines(path: str | os.PathLike[str]) -> list[tuple[int, str]]:
    lines = _text(path, 'annotation').splitlines()
    return [(n, line) for n, line in enumerate(lines, 1) if line.strip()]


def _text(path: str | os.PathLike[str], what: str) -> str:
    return read_bytes(path, what, _MAX_BYTES).decode('utf-8-sig', 'replace')


def _refuse_leak(fold: int, train: Sequence[str],
                 test: Sequence[str]) -> None:
    both = sorted(set(train) & set(test))
    if both:
        raise DataError(f'fold{fold:02d}.txt and fold{fold:02d}test.txt both '
                        f'hold {both[0]}; unpack the annotations again.')


def _counts(vehicles: dict[str, list[Vehicle]],
            sizes: dict[str, tuple[int, int]]) -> Counter[str]:
    return Counter(
        'left out' if v.label in LEFT_OUT else
        'boxes' if v.box(sizes[name]) else 'outside'
        for name, listed in vehicles.items() for v in listed)


def _coco(names: Sequence[str], vehicles: dict[str, list[Vehicle]],
          sizes: dict[str, tuple[int, int]]) -> dict[str, Any]:
    content: dict[str, Any] = dict(
        images=[],
        annotations=[],
        categories=[dict(id=i, name=name) for i, name in CLASSES.items()])
    for number, name in enumerate(names, 1):
        height, width = sizes[name]
        content['images'].append(
            dict(
                id=number,
                file_name=f'{name}_co.png',
                height=height,
                width=width))
        for vehicle in vehicles[name]:
            box = vehicle.box((height, width))
            if box is not None and vehicle.label in CLASSES:
                content['annotations'].append(
                    dict(
                        id=len(content['annotations']) + 1,
                        image_id=number,
                        category_id=vehicle.label,
                        bbox=box,
                        area=box[2] * box[3],
                        iscrowd=0))
    return content
