"""LabelMe's json files, one per image."""
from pathlib import Path
from typing import Any

from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

from .base import Format, files_below, load_json, number

__all__ = ['LABELME']


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
        lambda _, task: _read(files, task), gives=('det', 'seg'))


def _is_labelme(file: Path) -> bool:
    try:
        content = load_json(file)
    except DataError:
        return False
    return isinstance(content, dict) and isinstance(
        content.get('shapes'), list)


def _read(files: dict[str, Path], task: str) -> LabelSet:
    found = LabelSet(())
    for name, file in progress(files.items(), what='jsons', unit='file'):
        try:
            content = load_json(file)
            if not isinstance(content, dict) or 'shapes' not in content:
                raise DataError(f'{file} is no json of LabelMe; take it out '
                                f'of the folder.')
            height, width = (number(content, k)
                             for k in ('imageHeight', 'imageWidth'))
            size = (height, width) if height and width else None
            things = (_boxes(file, content) if task == 'det' else
                      _shapes(file, content, found.problems))
            found.pictures.append(Picture(name, size, tuple(things)))
        except DataError as error:
            found.problems.append(problem_of(error, file))
    names = {t.name for p in found.pictures for t in p.things}
    found.classes = tuple(sorted(names))
    return found


def _boxes(file: Path, content: dict[str, Any]) -> list[Thing]:
    from globox import Annotation

    try:
        boxes = Annotation.from_labelme(file, include_poly=True).boxes
    except Exception as error:  # KeyError, TypeError, ParsingError
        raise DataError(f'{file} cannot be read as boxes ({error}); save it '
                        f'again with LabelMe.') from error
    return [Thing(box.label, tuple(box.ltrb)) for box in boxes]


def _shapes(file: Path, content: dict[str, Any],
            problems: list[Problem]) -> list[Thing]:
    things = []
    for shape in content['shapes']:
        label, kind = str(shape.get('label')), shape.get('shape_type')
        points = shape.get('points') or []
        if kind == 'rectangle' and len(points) == 2:
            (a, b), (c, d) = points
            points = [(a, b), (c, b), (c, d), (a, d)]
        elif kind != 'polygon' or len(points) < 3:
            problems.append(Problem(
                str(file), f'has a {kind} of {label!r}, which is no area',
                'draw a polygon', 'entry'))
            continue
        things.append(Thing(label, None, [[float(v) for p in points
                                           for v in p]]))
    return things


LABELME = Format('LabelMe json', 'a folder of jsons with "shapes"',
                 ('det', 'seg'), _open)
