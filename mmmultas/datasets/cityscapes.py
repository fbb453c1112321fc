"""Cityscapes by category: images, masks and boxes of a bearable size.

What is written is what :class:`~mmmultas.datasets.folder.FolderDataset`
reads: ``{train,val}/{images,masks}/NAME.png`` and ``{train,val}/boxes.json``,
and on demand disparity and label ids (``cityscapes_maps.py``).
"""
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError, DataError

from .decode import decode_ids, decode_mask
from .files import read_bytes
from .label_map import IGNORE, INVALID
from .transforms.loading import LoadImage
from .writing import (Track, is_whole_png, silent, write_json, write_png,
                      write_whole)

__all__ = [
    'BOX_CLASSES', 'CATEGORIES', 'PALETTE', 'SPLITS', 'Frame',
    'category_table', 'check_size', 'convert_cityscapes', 'find_frames',
    'instance_boxes', 'read_label_ids'
]

#: Categories in the order of their numbers; void is ignored.
CATEGORIES = ('flat', 'construction', 'object', 'nature', 'sky', 'human',
              'vehicle')
#: A label's colour of each category: road, building, pole and so on.
PALETTE = ((128, 64, 128), (70, 70, 70), (153, 153, 153), (107, 142, 35),
           (70, 130, 180), (220, 20, 60), (0, 0, 142))
#: Label ids by category, as the data set defines them.
_VOID = range(7)
_LABELS = dict(
    flat=range(7, 11),  # road, sidewalk, parking, rail track
    construction=range(11, 17),  # building, wall, fence … tunnel
    object=range(17, 21),  # pole, pole group, traffic light, traffic sign
    nature=range(21, 23),  # vegetation, terrain
    sky=range(23, 24),
    human=range(24, 26),  # person, rider
    vehicle=range(26, 34))  # car, truck, bus, caravan … bicycle
#: Label ids whose instances are evaluated.
BOX_CLASSES = {
    24: 'person',
    25: 'rider',
    26: 'car',
    27: 'truck',
    28: 'bus',
    31: 'train',
    32: 'motorcycle',
    33: 'bicycle'
}
_LAST = max(BOX_CLASSES)
SPLITS = ('train', 'val')
_IMAGE, _LABEL, _INSTANCE = ('_leftImg8bit.png', '_gtFine_labelIds.png',
                             '_gtFine_instanceIds.png')
#: name, x, y, width, height, whether it is a group
Thing = tuple[str, float, float, float, float, bool]


@dataclass(frozen=True)
class Frame:
    """The files of a frame; ``name`` is CITY_SEQUENCE_NUMBER."""
    name: str
    image: Path
    labels: Path
    instances: Path


def convert_cityscapes(root: str | os.PathLike[str],
                       out: str | os.PathLike[str],
                       size: tuple[int, int] = (128, 256),
                       splits: Sequence[str] = SPLITS,
                       workers: int = 2,
                       track: Track = silent) -> dict[str, int]:
    """Write categories, boxes and images; what is there and whole stays.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.
        out: Where the folders of the splits go.
        size: (height, width) of what is written, in pixels.
        splits: 'train', 'val' or both.
        workers: Threads.
        track: Progress bar.

    Returns:
        Frames by split, and ``kept``: how many of them had been there.

    Raises:
        ConfigError: No size, an unknown split.
        DataError: A missing, broken or contradictory file.
    """
    unknown = [name for name in splits if name not in SPLITS]
    if unknown or not splits:
        raise ConfigError(f'Cityscapes has labels of {" and ".join(SPLITS)}, '
                          f'not of {", ".join(unknown) or "nothing"}.')
    if min(size) < 8 or workers < 1:
        raise ConfigError(f'a size of at least 8×8 and a worker are needed, '
                          f'not {size[0]}×{size[1]} and {workers}.')
    found = {split: find_frames(root, split) for split in splits}
    counts = {'kept': 0}
    for split, frames in found.items():
        folder = Path(out) / split
        with ThreadPoolExecutor(workers) as pool:
            kept = list(
                track(
                    pool.map(partial(_convert, folder, size), frames),
                    total=len(frames),
                    what=split))
        counts[split] = len(frames)
        counts['kept'] += sum(kept)
        write_json(folder / 'boxes.json', _coco(folder, frames, size))
    return counts


def find_frames(root: str | os.PathLike[str], split: str) -> list[Frame]:
    """The frames of a split; all of their files are there.

    Raises:
        DataError: There are none, or a file of one is missing.
    """
    images, labels = (Path(root) / kind / split
                      for kind in ('leftImg8bit', 'gtFine'))
    found = {
        kind: {
            p.relative_to(folder).as_posix().removesuffix(kind)
            for p in folder.glob(f'*/*{kind}')
        }
        for folder, kind in ((images, _IMAGE), (labels, _LABEL), (labels,
                                                                  _INSTANCE))
    }
    names = sorted(set.union(*found.values()))
    if not names:
        raise DataError(f'{images} has no CITY/*{_IMAGE}; unpack '
                        f'leftImg8bit_trainvaltest and gtFine_trainvaltest '
                        f'into {root}.')
    missing = [(images if kind == _IMAGE else labels) / f'{name}{kind}'
               for name in names for kind in found if name not in found[kind]]
    if missing:
        more = f' (and {len(missing) - 1} more)' if missing[1:] else ''
        raise DataError(f'{missing[0]} is missing{more}; unpack Cityscapes '
                        f'again.')
    return [
        Frame(
            Path(name).name, images / f'{name}{_IMAGE}',
            labels / f'{name}{_LABEL}', labels / f'{name}{_INSTANCE}')
        for name in names
    ]


def category_table() -> NDArray[np.uint8]:
    """Table (256,): label id → category, 255 for void, 254 for no label.

    Example:
        >>> category_table()[[0, 7, 26, 33, 34]].tolist()
        [255, 0, 6, 6, 254]
    """
    table = np.full(256, INVALID, np.uint8)
    table[list(_VOID)] = IGNORE
    for number, name in enumerate(CATEGORIES):
        table[list(_LABELS[name])] = number
    return table


def instance_boxes(ids: NDArray[np.uint16]) -> list[Thing]:
    """Boxes of the instances, and of groups that nobody took apart.

    Args:
        ids: (H, W): 1000 · label id + number of the instance, or the label
            id alone where there are no instances. Regions of the second
            kind, of a class that has instances, are groups: each connected
            one gets a box that is marked.

    Returns:
        In pixels, sides from border to border of the pixels.
    """
    things: list[Thing] = []
    ys, xs = np.nonzero(ids >= 1000)
    values = ids[ys, xs]
    order = np.argsort(values, kind='stable')
    found, starts = np.unique(values[order], return_index=True)
    if len(found):
        sides = [
            find.reduceat(side[order], starts)
            for find in (np.minimum, np.maximum) for side in (xs, ys)
        ]
        for value, x1, y1, x2, y2 in zip(found.tolist(), *sides):
            name = BOX_CLASSES.get(value // 1000)
            if name:
                things.append((name, int(x1), int(y1), int(x2 - x1 + 1),
                               int(y2 - y1 + 1), False))
    for label, name in BOX_CLASSES.items():
        region = ids == label
        if not region.any():
            continue
        _, _, boxes, _ = cv2.connectedComponentsWithStats(
            region.astype(np.uint8))
        things += [(name, x, y, w, h, True)
                   for x, y, w, h in boxes[1:, :4].tolist()]
    return things


def _convert(folder: Path, size: tuple[int, int], frame: Frame) -> bool:
    """Write a frame; whether it was there."""
    image, mask = (folder / kind / f'{frame.name}.png'
                   for kind in ('images', 'masks'))
    boxes = _boxes_file(folder, frame)
    # written last
    if (boxes.is_file() and is_whole_png(image, size)
            and is_whole_png(mask, size)):
        return True
    boxes.unlink(missing_ok=True)
    picture = LoadImage()(dict(img_path=str(frame.image)))['img']
    labels = _read_labels(frame.labels, picture.shape[:2])
    ids = _read_instances(frame.instances, picture.shape[:2])
    dsize = size[::-1]
    small = cv2.resize(picture, dsize, interpolation=cv2.INTER_AREA)
    numbers = cv2.resize(
        labels, dsize, interpolation=cv2.INTER_NEAREST_EXACT)
    write_whole(image, cv2.imencode('.png', small)[1].tobytes())
    write_png(mask, np.asarray(numbers, np.uint8), PALETTE)
    scale = np.array([dsize[0] / ids.shape[1], dsize[1] / ids.shape[0]] * 2)
    write_json(boxes, [
        (name, *(np.array(box) * scale).tolist(), group)
        for name, *box, group in instance_boxes(ids)
    ])
    return False


def _boxes_file(folder: Path, frame: Frame) -> Path:
    return folder / 'boxes' / f'{frame.name}.json'


def _read_labels(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) categories."""
    labels = read_label_ids(path)
    check_size(path, labels.shape, size)
    return np.asarray(cv2.LUT(labels, category_table()))


def read_label_ids(path: Path) -> NDArray[np.uint8]:
    """The label ids (H, W) of a frame.

    Raises:
        DataError: The file is broken, or holds an id that does not exist.
    """
    labels = decode_mask(read_bytes(path, 'mask'), str(path))
    unknown = cv2.LUT(labels, category_table()) == INVALID
    if unknown.any():
        raise DataError(
            f'{path} holds the label id {int(labels[unknown].min())}, which '
            'Cityscapes does not have; unpack gtFine again.')
    return np.asarray(labels)


def _read_instances(path: Path, size: tuple[int, int]) -> NDArray[np.uint16]:
    """(H, W) ids."""
    ids = decode_ids(read_bytes(path, 'instance ids'), str(path))
    check_size(path, ids.shape, size)
    values = np.flatnonzero(np.bincount(ids.ravel()))
    wrong = values[np.where(values < 1000, values, values // 1000) > _LAST]
    if len(wrong):
        raise DataError(f'{path} holds the instance id {wrong[0]}, which '
                        f'Cityscapes does not have; unpack gtFine again.')
    return ids


def check_size(path: Path, found: tuple[int, ...],
               size: tuple[int, int]) -> None:
    """Raise DataError where a file has another size than its image."""
    if found != size:
        raise DataError(f'{path} is {found[1]}×{found[0]}, its image '
                        f'{size[1]}×{size[0]} pixels; unpack Cityscapes '
                        f'again.')


def _coco(folder: Path, frames: Sequence[Frame],
          size: tuple[int, int]) -> dict[str, Any]:
    numbers = {name: n for n, name in enumerate(BOX_CLASSES.values(), 1)}
    content: dict[str, Any] = dict(
        images=[],
        annotations=[],
        categories=[dict(id=n, name=name) for name, n in numbers.items()])
    for number, frame in enumerate(frames, 1):
        content['images'].append(
            dict(
                id=number,
                file_name=f'{frame.name}.png',
                height=size[0],
                width=size[1]))
        for name, *box, group in json.loads(
                _boxes_file(folder, frame).read_bytes()):
            content['annotations'].append(
                dict(
                    id=len(content['annotations']) + 1,
                    image_id=number,
                    category_id=numbers[name],
                    bbox=[round(side, 3) for side in box],
                    area=round(box[2] * box[3], 3),
                    iscrowd=int(group)))
    return content
