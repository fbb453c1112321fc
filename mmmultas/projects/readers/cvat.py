"""CVAT's XML "for images": boxes, polygons and painted masks."""
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from mmmultas.datasets.checks import parse_xml
from mmmultas.datasets.files import MAX_PIXELS
from mmmultas.datasets.problems import Problem
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import DataError

from .base import Format, near
from .shapes import (column_runs, ellipse, grouped, named, outlined,
                     rectangle, turned)

__all__ = ['CVAT']

_MAX_BYTES = 2**30
_AREAS = ('box', 'polygon', 'ellipse', 'mask')


def _open(path: Path) -> Opened | None:
    if path.is_dir() and (path / 'annotations.xml').is_file():
        path = path / 'annotations.xml'
    if path.suffix.lower() != '.xml' or not path.is_file():
        return None
    root = parse_xml(path, _MAX_BYTES)
    images = root.findall('image')
    if root.tag == 'annotations' and root.find('track') is not None:
        raise DataError(
            f'{path} is CVAT\'s XML "for video", whose shapes are tracks and '
            'not of images: export the task as "CVAT for images", which '
            'splits tracks by frames.')
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
        size = _size(node)
        things = _things(path, node, size, task, found.problems)
        found.pictures.append(
            Picture(node.get('name') or '', size, tuple(things)))
    used = {t.name for p in found.pictures for t in p.things}
    found.classes = (*(n for n in found.classes if n in used),
                     *sorted(used - set(found.classes)))
    found.facts += grouped(
        (place, shape.get('label') or '', shape.get('group_id'))
        for place, node in enumerate(images) for shape in node)
    tagged = sum(node.find('tag') is not None for node in images)
    if tagged:
        found.facts.append(f'{tagged} images have tags, labels of the whole '
                           'image, which take no part')
    return found


def _things(path: Path, node: Element, size: tuple[int, int] | None,
            task: str, problems: list[Problem]) -> list[Thing]:
    """Shapes that have an area; a problem for each of the others."""
    things = []
    for shape in node:
        label = shape.get('label') or ''
        told = f'has {named(shape.tag, label)} in {node.get("name")}'
        try:
            if shape.tag in _AREAS:
                things.append(_thing(label, shape, size, task))
            elif shape.tag != 'tag':
                problems.append(Problem(
                    str(path), f'{told}, which is no area', 'draw a box or '
                    'a polygon, or remove it', 'entry'))
        except (ValueError, TypeError) as error:
            problems.append(Problem(
                str(path), f'{told} that cannot be read ({error})',
                'mend the entry', 'entry'))
    return things


def _thing(label: str, shape: Element, size: tuple[int, int] | None,
           task: str) -> Thing:
    if shape.tag == 'polygon':
        return outlined(label, _points(shape))
    if shape.tag == 'mask':
        left, top, width, height = _numbers(
            shape, 'left', 'top', 'width', 'height')
        return Thing(label, (left, top, left + width, top + height),
                     _runs(shape, size) if task == 'seg' else None)
    if shape.tag == 'box':
        x1, y1, x2, y2 = _numbers(shape, 'xtl', 'ytl', 'xbr', 'ybr')
        if x1 > x2 or y1 > y2:
            raise ValueError('its corners are reversed')
        points = rectangle(x1, y1, x2, y2)
    else:
        x, y, *radii = _numbers(shape, 'cx', 'cy', 'rx', 'ry')
        points = ellipse((x, y), radii)
    degrees = float(shape.get('rotation') or 0)
    return outlined(label, turned(points, degrees) if degrees else points)


def _numbers(shape: Element, *names: str) -> list[float]:
    missing = [name for name in names if shape.get(name) is None]
    if missing:
        raise ValueError(f'it has no {missing[0]}')
    return [float(shape.get(name, '')) for name in names]


def _size(node: Element) -> tuple[int, int] | None:
    try:
        height, width = (int(node.get(k, 0)) for k in ('height', 'width'))
    except ValueError:
        return None
    return (height, width) if height > 0 and width > 0 else None


def _points(node: Element) -> list[tuple[float, float]]:
    pairs = [p.split(',') for p in (node.get('points') or '').split(';')]
    return [(float(x), float(y)) for x, y in pairs]


def _runs(node: Element, size: tuple[int, int] | None) -> dict[str, Any]:
    """CVAT's runs (by row, within a window) as COCO's (by column)."""
    if size is None:
        raise ValueError('the image has no width and height')
    left, top, width, height = (int(node.get(k, 0))
                                for k in ('left', 'top', 'width', 'height'))
    runs = [int(v) for v in (node.get('rle') or '').split(',') if v.strip()]
    if size[0] * size[1] > MAX_PIXELS or not (
            sum(runs) <= height * width <= size[0] * size[1]):
        raise ValueError('it has more runs than pixels')
    values = np.repeat(np.arange(len(runs)) % 2, runs)
    window = np.zeros(height * width, np.uint8)
    window[:len(values)] = values[:len(window)]
    whole = np.zeros(size, np.uint8)
    part = whole[top:top + height, left:left + width]
    part[:] = window.reshape(height, width)[:part.shape[0], :part.shape[1]]
    return column_runs(whole)


CVAT = Format('CVAT XML', '"CVAT for images", one XML with <image>s',
              ('det', 'seg'), _open)
