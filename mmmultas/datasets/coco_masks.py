"""COCO cut in two: boxes of one half of the images, masks of the other.

Class masks are rasterised from the instances: 0 is the background, then the
classes in the json's order from 1 on; 255 are crowds, which count for no
class. Where instances overlap the smaller one is on top.
"""
import json
import os
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from mmmultas.structures import voc_colour
from mmmultas.utils.errors import ConfigError, DataError

from .coco import CocoFile, CocoImage, read_coco
from .files import MAX_PIXELS, shown
from .label_map import IGNORE, INVALID
from .writing import Track, is_whole_png, silent, write_json, write_png

__all__ = ['convert_coco', 'halves', 'rasterise']

_PALETTE = [voc_colour(number) for number in range(256)]


@dataclass(frozen=True)
class _Labels:
    """A json: as FolderDataset reads it, and its shapes by image."""
    path: str
    coco: CocoFile
    content: Mapping[str, Any]
    shapes: Mapping[Any, Sequence[Mapping[str, Any]]]
    numbers: Mapping[Any, int]


def convert_coco(train: str | os.PathLike[str],
                 val: str | os.PathLike[str],
                 out: str | os.PathLike[str],
                 seed: int = 0,
                 workers: int = 2,
                 track: Track = silent) -> dict[str, int]:
    """Write the labels of both halves, and both labels of ``val``.

    ``boxes_train.json``, ``masks_train/NAME.png``, ``boxes_val.json`` and
    ``masks_val/NAME.png``; masks that are there and whole stay.

    Args:
        train: Json of instances, with polygons or runs.
        val: Json of the validation images, with the same classes.
        out: Folder of what is written; no image is copied.
        seed: Of the halves.
        workers: Threads.
        track: Progress bar.

    Returns:
        Numbers of images: ``boxes``, ``masks``, ``val`` and ``kept`` (masks
        that had been there).

    Raises:
        ConfigError: No worker.
        DataError: A missing, broken or contradictory file, or masks of
            another half in ``out``.
    """
    if workers < 1:
        raise ConfigError(f'`workers` is 1 or more, not {workers}.')
    out, source, judged = Path(out), _read(train), _read(val)
    if source.coco.classes != judged.coco.classes:
        raise DataError(f'{train} and {val} have other classes or another '
                        f'order of them; take jsons of one data set.')
    shared = ({i.file_name for i in source.coco.images}
              & {i.file_name for i in judged.coco.images})
    if shared:
        raise DataError(f'{train} and {val} both list {min(shared)}; take it '
                        f'out of one.')
    boxed, masked = halves([i.file_name for i in source.coco.images], seed)
    todo = {
        'train': (source, masked),
        'val': (judged, [i.file_name for i in judged.coco.images])
    }
    for part, (_, names) in todo.items():
        _refuse_others(out / f'masks_{part}', names)
    kept = 0
    for part, (labels, names) in todo.items():
        kept += _write_masks(labels, names, out / f'masks_{part}', workers,
                             track)
    write_json(out / 'boxes_train.json', _boxes(source, boxed))
    write_json(out / 'boxes_val.json', _boxes(judged, todo['val'][1]))
    return dict(
        boxes=len(boxed), masks=len(masked), val=len(todo['val'][1]),
        kept=kept)


def halves(names: Sequence[str], seed: int = 0) -> tuple[list[str], list[str]]:
    """Two disjoint halves, which do not depend on the order of ``names``.

    Args:
        names: Of images, each once. Of an odd number the first half is the
            larger one.
        seed: Another seed gives other halves.

    Returns:
        tuple: Both sorted.

    Example:
        >>> first, second = halves(['a', 'b', 'c', 'd'])
        >>> len(first), sorted(first + second)
        (2, ['a', 'b', 'c', 'd'])
    """
    order = sorted(names)
    random.Random(seed).shuffle(order)
    middle = (len(order) + 1) // 2
    return sorted(order[:middle]), sorted(order[middle:])


def rasterise(shapes: Sequence[Mapping[str, Any]], size: tuple[int, int],
              numbers: Mapping[Any, int]) -> NDArray[np.uint8]:
    """Paint the annotations of an image, the largest first.

    Args:
        shapes: COCO annotations: ``category_id``, ``segmentation`` (polygons
            or runs) and ``iscrowd``.
        size: (height, width) in pixels.
        numbers: Category id → number in the mask.

    Returns:
        (H, W): 0 background, 255 where there are crowds only.

    Raises:
        ValueError: A segmentation that cannot be drawn.
    """
    mask = np.zeros(size, np.uint8)
    drawn = [(_pixels(shape.get('segmentation'), size),
              IGNORE if shape.get('iscrowd') else
              numbers[shape['category_id']]) for shape in shapes]
    # crowds first: what was annotated by itself lies above them
    drawn.sort(key=lambda x: (x[1] != IGNORE, -x[0].sum()))
    for pixels, number in drawn:
        mask[pixels] = number
    return mask


def _pixels(shape: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    height, width = size
    if isinstance(shape, list) and shape:
        if not all(
                isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0
                and all(type(x) in (int, float) and abs(x) < 1e6 for x in p)
                for p in shape):
            raise ValueError('a polygon is no list of three or more points')
        runs = coco_mask.merge(coco_mask.frPyObjects(shape, height, width))
    elif isinstance(shape, dict) and shape.get('size') == [height, width]:
        runs = _checked_runs(shape)
    else:
        raise ValueError('segmentation is neither polygons nor runs of the '
                         "image's size")
    return np.asarray(coco_mask.decode(runs), bool)


def _checked_runs(shape: Mapping[str, Any]) -> Any:
    """Refuse runs that do not fill the picture: decoding would overflow."""
    height, width = shape['size']
    counts = shape.get('counts')
    if isinstance(counts, str):
        try:
            runs = dict(size=[height, width], counts=counts.encode('ascii'))
            if int(coco_mask.area(runs)) <= height * width:
                return runs
        except (UnicodeError, ValueError):
            pass
    elif isinstance(counts, list) and all(
            type(n) is int and n >= 0
            for n in counts) and sum(counts) == height * width:
        return coco_mask.frPyObjects(dict(shape), height, width)
    raise ValueError('runs do not fill the image')


def _read(path: str | os.PathLike[str]) -> _Labels:
    coco = read_coco(path)
    if len(coco.classes) >= INVALID:
        raise DataError(f'{path} has {len(coco.classes)} classes; a mask can '
                        f'hold {INVALID - 1}.')
    for image in coco.images:
        if image.size is None or image.size[0] * image.size[1] > MAX_PIXELS:
            raise DataError(f'{path} tells no usable height and width of '
                            f'{image.file_name}; add them.')
    content = json.loads(Path(path).read_text('utf-8-sig'))
    shapes: dict[Any, list[Mapping[str, Any]]] = {}
    for shape in content['annotations']:
        shapes.setdefault(shape['image_id'], []).append(shape)
    numbers = {
        c['id']: coco.classes.index(c['name']) + 1
        for c in content['categories']
    }
    return _Labels(str(path), coco, content, shapes, numbers)


def _write_masks(labels: _Labels, names: Sequence[str], folder: Path,
                 workers: int, track: Track) -> int:
    """Write a mask for each image; how many were there."""
    wanted = set(names)
    images = [i for i in labels.coco.images if i.file_name in wanted]
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(partial(_write_mask, labels, folder), images)
        return sum(track(done, total=len(images), what=folder.name))


def _write_mask(labels: _Labels, folder: Path, image: CocoImage) -> bool:
    path = _mask_path(folder, image.file_name)
    assert image.size is not None  # _read has looked
    if is_whole_png(path, image.size):
        return True
    try:
        mask = rasterise(
            labels.shapes.get(image.img_id, ()), image.size, labels.numbers)
    except Exception as error:  # whatever pycocotools stumbles over
        raise DataError(f'{labels.path} has a shape of {image.file_name} that '
                        f'cannot be drawn ({error}); mend or remove '
                        f'it.') from error
    write_png(path, mask, _PALETTE)
    return False


def _mask_path(folder: Path, file_name: str) -> Path:
    return folder / Path(file_name).with_suffix('.png')


def _refuse_others(folder: Path, names: Sequence[str]) -> None:
    wanted = {_mask_path(folder, name) for name in names}
    if len(wanted) < len(names):
        raise DataError(f'two images would have one mask in {folder}: their '
                        f'names differ by the suffix alone; rename one.')
    other = next((p for p in sorted(folder.rglob('*.png'))
                  if p not in wanted), None)
    if other is not None:
        raise DataError(f'{other} belongs to no image of this half (another '
                        f'seed?); remove {shown(str(folder), 200)} or name '
                        f'another folder.')


def _boxes(labels: _Labels, names: Sequence[str]) -> dict[str, Any]:
    """The json without the shapes, for some of the images."""
    wanted = set(names)
    ids = {i.img_id for i in labels.coco.images if i.file_name in wanted}
    keys = ('id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd',
            'ignore')
    return dict(
        images=[{
            k: x[k]
            for k in ('id', 'file_name', 'height', 'width')
        } for x in labels.content['images'] if x['id'] in ids],
        annotations=[{
            k: x[k]
            for k in keys if k in x
        } for x in labels.content['annotations'] if x['image_id'] in ids],
        categories=[
            dict(id=c['id'], name=c['name'])
            for c in labels.content['categories']
        ])
