"""Labels of any form, written once as files that the data set reads."""
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.datasets.coco_masks import rasterise
from mmmultas.datasets.files import MAX_PIXELS
from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.datasets.writing import write_json, write_png
from mmmultas.structures import voc_colour
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress

from .data_sources import BoxSource
from .mask_sources import MaskSource
from .readers.base import image_size
from .records import LabelSet, Picture

__all__ = ['boxes_of', 'masks_of', 'write_boxes', 'write_masks']

_PALETTE = [voc_colour(number) for number in range(256)]


def write_boxes(labels: LabelSet, pairs: Mapping[str, str],
                images: Mapping[str, str], root: str, path: Path) -> None:
    """Write a COCO json.

    Args:
        labels: What was read.
        pairs: Name as the labels tell it → name of the image; other
            pictures are left out.
        images: Name of an image → its file.
        root: Folder that the file names are relative to.
        path: The json; it is written in one piece.
    """
    numbers = {name: i for i, name in enumerate(labels.classes, 1)}
    content: dict[str, list[dict[str, Any]]] = dict(
        images=[], annotations=[],
        categories=[dict(id=i, name=n) for n, i in numbers.items()])
    for picture in labels.pictures:
        name = pairs.get(picture.file_name)
        if name is None:
            continue
        entry: dict[str, Any] = dict(
            id=len(content['images']) + 1,
            file_name=Path(os.path.relpath(images[name], root)).as_posix())
        if picture.size:
            entry['height'], entry['width'] = picture.size
        content['images'].append(entry)
        for thing in picture.things:
            if thing.bbox is None:
                continue
            x1, y1, x2, y2 = (round(float(v), 3) for v in thing.bbox)
            content['annotations'].append(dict(
                id=len(content['annotations']) + 1,
                image_id=entry['id'],
                category_id=numbers[thing.name],
                bbox=[x1, y1, round(x2 - x1, 3), round(y2 - y1, 3)],
                area=round((x2 - x1) * (y2 - y1), 3),
                iscrowd=int(thing.ignore)))
    write_json(path, content)


def write_masks(labels: LabelSet, names: Sequence[str],
                pairs: Mapping[str, str], images: Mapping[str, str],
                folder: Path) -> list[Problem]:
    """Write a palette PNG per picture; show a progress bar.

    Args:
        labels: What was read, with shapes or a painter.
        names: Of the masks' classes, whose places are the numbers; the first
            is the background if the labels have one. Training and validation
            have the same names, whatever their files' order is.
        pairs: Name as the labels tell it → name of the image.
        images: Name of an image → its file.
        folder: ``NAME.png`` are written below it.

    Returns:
        Pictures of which no mask can be drawn.
    """
    problems = []
    wanted = [p for p in labels.pictures if p.file_name in pairs]
    for picture in progress(wanted, what='masks', unit='file'):
        name = pairs[picture.file_name]
        try:
            mask = _mask(labels, names, picture, images.get(name, ''))
        except Exception as error:  # whatever pycocotools stumbles over
            problems.append(problem_of(
                error, picture.file_name, 'mend or remove the shape',
                'entry'))
            continue
        write_png(folder / f'{name}.png', mask, _PALETTE)
    return problems


def boxes_of(source: BoxSource, path: Path) -> str:
    """Where the data set reads boxes: in place, or converted into a json."""
    if source.boxes is not None:
        return source.boxes
    write_boxes(source.labels, source.pairs, source.files, source.images,
                path)
    return str(path)


def masks_of(source: MaskSource, names: Sequence[str],
             folder: Path) -> tuple[str, list[Problem]]:
    """Where the data set reads masks: in place, or drawn into a folder.

    Args:
        source: The masks, or shapes.
        names: Of the classes.
        folder: Of the masks that are drawn.

    Returns:
        tuple: The folder, and pictures of which no mask can be drawn.

    Raises:
        ConfigError: The folder exists already.
    """
    if source.masks is not None:
        return source.masks, []
    if folder.exists():
        raise ConfigError(f'{folder} exists already, and masks of another '
                          f'time may lie there: remove it, or give another '
                          f'--out.')
    assert source.labels is not None
    return str(folder), write_masks(source.labels, names, source.pairs,
                                    source.files, folder)


def _mask(labels: LabelSet, names: Sequence[str], picture: Picture,
          image: str) -> NDArray[np.uint8]:
    numbers = {name: place for place, name in enumerate(names)}
    if labels.paint is not None:
        table = np.full(256, IGNORE, np.uint8)
        for place, name in enumerate(labels.classes):
            table[place] = numbers[name]
        return np.asarray(table[labels.paint(picture)])
    size = picture.size or image_size(image)
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError(f'says that it has {size[1]}×{size[0]} pixels')
    shapes = [
        dict(category_id=t.name, segmentation=t.shape, iscrowd=t.ignore)
        for t in picture.things if t.shape
    ]
    return rasterise(shapes, size, numbers)
