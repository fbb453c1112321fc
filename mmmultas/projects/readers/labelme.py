"""LabelMe's json files, one per image."""
import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.files import MAX_PIXELS, picture_size
from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

from .base import Format, files_below, load_json, number
from .shapes import (column_runs, ellipse, grouped, named, outlined,
                     rectangle)

__all__ = ['LABELME']

_OUTLINES = ('polygon', 'rectangle', 'oriented_rectangle')


def _open(path: Path) -> Opened | None:
    if path.is_file() or not path.is_dir():
        return None
    files = {
        f.relative_to(path).with_suffix('').as_posix(): f
        for f in files_below(path, '.json')
    }
    known = [f for f in list(files.values())[:20] if _is_labelme(f)]
    if not known:
        return None
    return Opened(
        'LabelMe json', str(path), list(files),
        [path, path.parent / 'images', path.parent],
        lambda _, task: _read(files), gives=('det', 'seg'))


def _is_labelme(file: Path) -> bool:
    try:
        content = load_json(file)
    except DataError:
        return False
    return isinstance(content, dict) and isinstance(
        content.get('shapes'), list)


def _read(files: dict[str, Path]) -> LabelSet:
    found, groups = LabelSet(()), list[tuple[str, str, Any]]()
    for name, file in progress(files.items(), what='jsons', unit='file'):
        try:
            content = load_json(file)
            if not isinstance(content, dict) or 'shapes' not in content:
                raise DataError(f'{file} is no json of LabelMe; take it out '
                                f'of the folder.')
            height, width = (number(content, k)
                             for k in ('imageHeight', 'imageWidth'))
            size = (height, width) if height and width else None
            things = _things(file, content, size, found.problems)
            found.pictures.append(Picture(name, size, tuple(things)))
            groups += [(name, str(s.get('label')), str(s['group_id']))
                       for s in content['shapes'] if isinstance(s, dict)
                       and s.get('group_id') is not None]
        except DataError as error:
            found.problems.append(problem_of(error, file))
    names = {t.name for p in found.pictures for t in p.things}
    found.classes = tuple(sorted(names))
    found.facts += grouped(groups)
    return found


def _things(file: Path, content: dict[str, Any], size: Any,
            problems: list[Problem]) -> list[Thing]:
    """Shapes that have an area; a problem for each of the others."""
    things = []
    for shape in content['shapes']:
        shape = shape if isinstance(shape, dict) else {}
        label = str(shape.get('label'))
        kind = str(shape.get('shape_type') or 'polygon')  # old: none
        try:
            found = _thing(label, kind, shape, size)
        except (ValueError, TypeError) as error:
            problems.append(Problem(
                str(file), f'has {named(kind, label)} that cannot be read '
                f'({error})', 'draw it again with LabelMe', 'entry'))
            continue
        if found is None:
            problems.append(Problem(
                str(file), f'has {named(kind, label)}, which is no area',
                'draw a rectangle or a polygon, or remove it', 'entry'))
        else:
            things.append(found)
    return things


def _thing(label: str, kind: Any, shape: dict[str, Any],
           size: tuple[int, int] | None) -> Thing | None:
    """What a shape encloses; None for points and lines."""
    points = np.array(shape.get('points') or (), float)
    if kind == 'mask':
        return _painted(label, points, shape.get('mask'), size)
    if kind == 'rectangle' and len(points) == 2:
        return outlined(label, rectangle(*points.min(0), *points.max(0)))
    if kind == 'circle' and len(points) == 2:  # the centre, one of its edge
        radius = float(np.hypot(*(points[1] - points[0])))
        return outlined(label, ellipse(points[0], (radius, radius)))
    if kind not in _OUTLINES or len(points) < 3:
        return None
    return outlined(label, points)


def _painted(label: str, points: NDArray[np.float64], text: Any,
             size: tuple[int, int] | None) -> Thing:
    """A mask: its two corners, both inside, and a PNG of that window."""
    left, top, right, bottom = points.round().astype(int).ravel().tolist()
    if size is None or size[0] * size[1] > MAX_PIXELS:
        raise ValueError('imageHeight and imageWidth are missing or wrong')
    whole = np.zeros(size, np.uint8)
    part = whole[max(top, 0):bottom + 1, max(left, 0):right + 1]
    data = base64.b64decode(str(text), validate=True)
    if not part.size == (bottom - top + 1) * (right - left + 1) or (
            picture_size(data) != part.shape):
        raise ValueError('its picture has another size than its corners say')
    window = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if window is None:
        raise ValueError('its picture cannot be decoded')
    part[:] = window > 0
    return Thing(label, (float(left), float(top), right + 1., bottom + 1.),
                 column_runs(whole))


LABELME = Format('LabelMe json', 'a folder of jsons with "shapes"',
                 ('det', 'seg'), _open)
