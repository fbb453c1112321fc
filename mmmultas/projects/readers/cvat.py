"""CVAT's XML "for images": boxes, polygons and painted masks."""
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from mmmultas.datasets.checks import parse_xml
from mmmultas.datasets.files import MAX_PIXELS
from mmmultas.datasets.problems import Problem
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing

from .base import Format, near

__all__ = ['CVAT']

_MAX_BYTES = 2**30


def _open(path: Path) -> Opened | None:
    if path.is_dir() and (path / 'annotations.xml').is_file():
        path = path / 'annotations.xml'
    if path.suffix.lower() != '.xml' or not path.is_file():
        return None
    root = parse_xml(path, _MAX_BYTES)
    images = root.findall('image')
    if root.tag != 'annotations' or not images:
        return None
    return Opened(
        'CVAT XML', str(path), [i.get('name') or '' for i in images],
        near(path), lambda _, task: _read(path, root, images, task),
        gives=('det', 'seg'))


def _read(path: Path, root: Element, images: list[Element],
          task: str) -> LabelSet:
    labels = [n.text or '' for n in root.findall('.//labels/label/name')]
    found = LabelSet(tuple(dict.fromkeys(labels)))
    for node in images:
        if task == 'det':
            things, size = _boxes(path, node, found.problems)
        else:
            things, size = _shapes(path, node, found.problems), _size(node)
        found.pictures.append(
            Picture(node.get('name') or '', size, tuple(things)))
    used = {t.name for p in found.pictures for t in p.things}
    found.classes = (*(n for n in found.classes if n in used),
                     *sorted(used - set(found.classes)))
    return found


def _boxes(path: Path, node: Element, problems: list[Problem]
           ) -> tuple[list[Thing], tuple[int, int] | None]:
    from globox import Annotation

    try:
        read = Annotation.from_cvat(node)
    except Exception as error:  # ParsingError, AssertionError
        problems.append(Problem(
            str(path), f'has boxes of {node.get("name")} that cannot be read '
            f'({error})', 'mend the entry', 'entry'))
        return [], _size(node)
    things = [Thing(b.label, tuple(b.ltrb)) for b in read.boxes]
    for polygon in node.findall('polygon'):
        points = _points(polygon)
        if len(points):
            low, high = points.min(0), points.max(0)
            things.append(Thing(
                polygon.get('label') or '',
                (low[0], low[1], high[0], high[1])))
    return things, _size(node)


def _shapes(path: Path, node: Element,
            problems: list[Problem]) -> list[Thing]:
    things = []
    size = _size(node)
    for shape in node:
        label = shape.get('label') or ''
        if shape.tag == 'polygon':
            outline = _points(shape).ravel().tolist()
            things.append(Thing(label, None, [outline]))
        elif shape.tag == 'mask' and size:
            things.append(Thing(label, None, _runs(shape, size)))
        elif shape.tag == 'box':
            a, b, c, d = (float(shape.get(k, 0))
                          for k in ('xtl', 'ytl', 'xbr', 'ybr'))
            things.append(Thing(label, None, [[a, b, c, b, c, d, a, d]]))
        elif shape.tag in ('polyline', 'points', 'ellipse', 'cuboid'):
            problems.append(Problem(
                str(path), f'has a {shape.tag} of {label!r} in '
                f'{node.get("name")}, which is not drawn into masks',
                'draw a polygon', 'entry'))
    return things


def _size(node: Element) -> tuple[int, int] | None:
    try:
        height, width = (int(node.get(k, 0)) for k in ('height', 'width'))
    except ValueError:
        return None
    return (height, width) if height > 0 and width > 0 else None


def _points(node: Element) -> Any:
    try:
        pairs = [p.split(',') for p in (node.get('points') or '').split(';')]
        return np.array([(float(x), float(y)) for x, y in pairs])
    except ValueError:
        return np.zeros((0, 2))


def _runs(node: Element, size: tuple[int, int]) -> dict[str, Any]:
    """CVAT's runs (by row, within a window) as COCO's (by column)."""
    left, top, width, height = (int(node.get(k, 0))
                                for k in ('left', 'top', 'width', 'height'))
    runs = [int(v) for v in (node.get('rle') or '').split(',') if v.strip()]
    if size[0] * size[1] > MAX_PIXELS or not (
            sum(runs) <= height * width <= size[0] * size[1]):
        raise ValueError('a mask has more runs than pixels')
    values = np.repeat(np.arange(len(runs)) % 2, runs)
    window = np.zeros(height * width, np.uint8)
    window[:len(values)] = values[:len(window)]
    whole = np.zeros(size, np.uint8)
    part = whole[top:top + height, left:left + width]
    part[:] = window.reshape(height, width)[:part.shape[0], :part.shape[1]]
    flat = whole.ravel('F')
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, len(flat)]).tolist()
    return dict(size=list(size), counts=lengths if not flat[0] else
                [0, *lengths])


CVAT = Format('CVAT XML', '"CVAT for images", one XML with <image>s',
              ('det', 'seg'), _open)
