"""Labels of strangers: an error in a sentence, whatever they hold."""
import json
import random

import pytest

from mmmultas.projects.convert import write_masks
from mmmultas.projects.matching import match_names
from mmmultas.projects.readers import open_labels
from mmmultas.testing import ShapeFolder
from mmmultas.testing.label_files import (write_cvat, write_labelme,
                                          write_panoptic, write_polygons,
                                          write_yolo)
from mmmultas.utils.errors import UserError

ODD = (None, -1, 10**400, 1e999, '', 'x', [], {}, [[]], {'a': 1}, True)


def read(path, kit):
    images = {n: str(kit.root / f'images/{n}.png') for n in kit.names}
    for task in ('det', 'seg'):
        try:
            opened = open_labels(str(path), task)
            if opened is not None:
                labels = opened.read(images, task)
                pairs = match_names(opened.names, kit.names).pairs
                if task == 'seg':
                    write_masks(labels, ('background', *labels.classes),
                                pairs, images, kit.root / 'drawn')
        except UserError as error:
            assert str(error).endswith('.')


def places(value, path=()):
    """Paths of all entries of a json."""
    yield path
    pairs = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, part in pairs:
        yield from places(part, (*path, key))


def changed(text, rng):
    content = json.loads(text)
    *above, last = rng.choice([p for p in places(content) if p])
    part = content
    for key in above:
        part = part[key]
    if rng.random() < 0.3:
        del part[last]
    else:
        part[last] = rng.choice(ODD)
    return json.dumps(content)


@pytest.mark.parametrize('write', [write_polygons, write_panoptic,
                                   write_labelme])
def test_jsons_with_odd_entries(tmp_path, write):
    kit = ShapeFolder(tmp_path, 2)
    path = write(kit, True) if write is write_labelme else write(kit)
    file = path / 'im00.json' if path.is_dir() else path
    text, rng = file.read_text(), random.Random(0)
    for _ in range(150):
        file.write_text(changed(text, rng))
        read(path, kit)


@pytest.mark.parametrize('write', [write_cvat, write_yolo])
def test_texts_with_odd_letters(tmp_path, write):
    kit = ShapeFolder(tmp_path, 2)
    path = write(kit, True)
    file = path / 'im00.txt' if path.is_dir() else path
    data, rng = file.read_bytes(), random.Random(0)
    for _ in range(150):
        place = rng.randrange(len(data))
        odd = rng.choice((b'', b'\0', b'9' * 400, b'-', b'"', b'\xff', b'nan',
                          b'1e999', b' '))
        file.write_bytes(data[:place] + odd + data[place + 1:])
        read(path, kit)
