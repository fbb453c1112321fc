"""YOLO's txt files: a line per object, in shares of the image."""
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmmultas.datasets.files import read_bytes
from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.projects.class_names import yolo_keypoints, yolo_names
from mmmultas.projects.matching import match_names
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

from .base import Format, files_below, image_size

__all__ = ['YOLO']

_LINE = re.compile(r'\d+(\s+[-+.\deE]+){4,}\s*')
_NO_LABELS = {'classes', 'obj', 'labels', 'train', 'val', 'valid', 'test',
              'readme', 'requirements', 'notes'}


def _open(path: Path) -> Opened | None:
    if path.suffix in ('.yaml', '.yml'):
        path = path.parent
    if not path.is_dir():
        return None
    folder = path / 'labels' if (path / 'labels').is_dir() else path
    files = [f for f in files_below(folder, '.txt')
             if f.stem.casefold() not in _NO_LABELS]
    if not _is_yolo(files):
        return None
    names = {
        f.relative_to(folder).with_suffix('').as_posix(): f for f in files}
    places = [Path(re.sub(r'labels(?!.*labels)', 'images', str(folder))),
              folder.parent / 'images', folder, folder.parent]
    return Opened('YOLO txt', str(folder), list(names), places,
                  lambda images, task: _read(folder, names, images),
                  gives=('det', 'seg'))


def _is_yolo(files: Sequence[Path]) -> bool:
    lines: list[str] = []
    for file in files[:50]:
        try:
            text = file.read_bytes()[:4096].decode('utf-8')
        except (UnicodeDecodeError, OSError):
            return False
        lines += [line for line in text.splitlines()[:3] if line.strip()]
        if len(lines) > 5:
            break
    return bool(lines) and 2 * sum(
        bool(_LINE.fullmatch(line)) for line in lines) > len(lines)


def _read(folder: Path, files: Mapping[str, Path],
          images: Mapping[str, str]) -> LabelSet:
    known, keypoints = yolo_names(folder), yolo_keypoints(folder)
    pairs = match_names(list(files), list(images)).pairs
    found = LabelSet(())
    highest = -1
    for name, file in progress(files.items(), what='txt files', unit='file'):
        if name not in pairs:
            found.pictures.append(Picture(name))
            continue
        try:
            size = image_size(images[pairs[name]])
            things, problems = _things(file, size, keypoints)
        except DataError as error:
            found.problems.append(problem_of(error, file))
            continue
        found.problems += problems
        highest = max([highest, *(int(t.name) for t in things)])
        found.pictures.append(Picture(name, size, tuple(things)))
    names = {str(i): n for i, n in known.items()}
    if keypoints:
        found.facts.append('keypoints (`kpt_shape`) take no part, their boxes '
                           'do')
    if not known:
        found.facts.append('the classes have no names: write them into '
                           f'{folder.parent}/data.yaml or classes.txt')
    elif highest >= max(known) + 1:
        found.problems.append(Problem(
            str(folder), f'has the class number {highest}, but its list of '
            f'names ends with {max(known)} ({known[max(known)]})',
            'complete data.yaml or classes.txt', 'class'))
    for i in range(highest + 1):
        names.setdefault(str(i), f'class_{i}')
    found.pictures = [
        Picture(p.file_name, p.size, tuple(
            Thing(names[t.name], t.bbox, t.shape) for t in p.things))
        for p in found.pictures
    ]
    found.classes = tuple(dict.fromkeys(names.values()))
    return found


def _things(file: Path, size: tuple[int, int], keypoints: int
            ) -> tuple[list[Thing], list[Problem]]:
    from globox import BoundingBox

    things, problems = [], []
    told = (size[1], size[0])
    lines = read_bytes(file, 'labels').decode('utf-8', 'replace').splitlines()
    for place, line in enumerate(lines, 1):
        values = line.split()
        if not values:
            continue
        if keypoints and len(values) == 5 + keypoints:
            values = values[:5]  # else they would be read as a polygon
            line = ' '.join(values)
        try:
            if any(not -0.01 <= float(v) <= 1.01 for v in values[1:]):
                problems.append(Problem(
                    str(file), f'has {line.strip()[:60]!r} in line {place}, '
                    'which is not in shares of the image (0 to 1)',
                    'divide by width and height, or export again', 'units'))
                continue
            shape = None
            if len(values) > 6:
                box: Any = BoundingBox.from_yolo_seg(line, image_size=told)
                shape = [[float(v) * told[i % 2]
                          for i, v in enumerate(values[1:])]]
            else:
                box = BoundingBox.from_yolo_v5(line, image_size=told)
            things.append(Thing(str(int(box.label)), tuple(box.ltrb), shape))
        except Exception as error:  # ParsingError, ValueError, AssertionError
            problems.append(Problem(
                str(file), f'has {line.strip()[:60]!r} in line {place}, which '
                f'cannot be read ({error})', 'mend or remove the line',
                'entry'))
    return things, problems


YOLO = Format('YOLO txt', 'a folder of txt files, names in data.yaml or '
              'classes.txt', ('det', 'seg'), _open)
