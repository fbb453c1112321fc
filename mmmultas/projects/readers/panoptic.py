"""COCO's panoptic form: PNGs of segment numbers and a json of classes."""
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.decode import decode_colours
from mmmultas.datasets.files import read_bytes
from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.problems import Problem
from mmmultas.projects.records import LabelSet, Opened, Picture, Thing
from mmmultas.utils.errors import DataError

from .base import Format, load_json, near

__all__ = ['PANOPTIC']


def _open(path: Path) -> Opened | None:
    if path.suffix.lower() != '.json' or not path.is_file():
        return None
    content = load_json(path)
    if not isinstance(content, dict) or not content.get('annotations'):
        return None
    entries = content['annotations']
    if not isinstance(entries, list) or not all(
            isinstance(e, dict) and 'segments_info' in e for e in entries):
        return None
    images = {i['id']: i for i in content.get('images', ())}
    names = [
        str(images.get(e.get('image_id'), {}).get('file_name')
            or e['file_name']) for e in entries
    ]
    return Opened(
        'panoptic PNG + json', str(path), names, near(path),
        lambda _, task: _read(path, content, names), gives=('det', 'seg'))


def _read(path: Path, content: dict[str, Any],
          names: list[str]) -> LabelSet:
    classes = {c['id']: str(c['name']) for c in content['categories']}
    things = {c['id'] for c in content['categories'] if c.get('isthing', 1)}
    order = tuple(dict.fromkeys(classes.values()))
    entries = dict(zip(names, content['annotations']))
    folder = _folder(path, content['annotations'][0]['file_name'])

    def paint(picture: Picture) -> NDArray[np.uint8]:
        entry = entries[picture.file_name]
        file = folder / entry['file_name']
        codes = decode_colours(read_bytes(file, 'mask'), str(file))
        # the number is R + 256 G + 65536 B, the code is 0xRRGGBB
        ids = ((codes >> 16) | (codes & 0xff00) | ((codes & 0xff) << 16))
        mask = np.full(ids.shape, IGNORE, np.uint8)
        for segment in entry['segments_info']:
            name = classes.get(segment['category_id'])
            if name is not None and not segment.get('iscrowd'):
                mask[ids == segment['id']] = order.index(name)
        return mask

    unknown = [(name, s.get('category_id')) for name, entry in entries.items()
               for s in entry['segments_info']
               if s.get('category_id') not in classes]
    problems = [Problem(
        str(path), f'has {len(unknown)} segments of a category_id that it '
        f'does not list, for example {unknown[0][1]!r} in {unknown[0][0]}; '
        'they take no part', 'list the category', 'entry')] if unknown else []
    pictures = [
        Picture(name, None, tuple(_boxes(entry, classes, things)))
        for name, entry in entries.items()
    ]
    return LabelSet(order, pictures, problems, paint=paint, background=False)


def _boxes(entry: dict[str, Any], classes: dict[Any, str],
           things: set[Any]) -> list[Thing]:
    found = []
    for segment in entry['segments_info']:
        box, kind = segment.get('bbox'), segment.get('category_id')
        if kind not in things:
            continue
        corners = None
        if box and len(box) == 4:
            x, y, w, h = map(float, box)
            corners = x, y, x + w, y + h
        found.append(Thing(classes[kind], corners,
                           ignore=bool(segment.get('iscrowd'))))
    return found


def _folder(path: Path, first: str) -> Path:
    """Where the PNGs lie."""
    for place in (path.with_suffix(''), path.parent,
                  path.parent / 'panoptic', path.parent / 'masks'):
        if (place / first).is_file():
            return place
    raise DataError(f'{path} names {first}, which is neither in '
                    f'{path.with_suffix("")} nor beside it; put the PNGs into '
                    f'one of these folders.')


PANOPTIC = Format('panoptic PNG + json', 'a json with "segments_info", the '
                  'PNGs in a folder of its name', ('det', 'seg'), _open)
