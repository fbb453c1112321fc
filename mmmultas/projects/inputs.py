"""Choices that the data and the machine make: network, size, batch."""
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mmmultas.utils.errors import ConfigError, DataError

from .data_sources import BoxSource
from .judgement import MAY_BE_SMALLER, SMALLEST
from .mask_sources import MaskSource
from .readers.base import image_size

__all__ = ['Inputs', 'choose_inputs', 'default_model']

#: The sides that the network gets unless boxes need more.
LEAST, USUAL = 64, 320
#: Pixels of one task in an update: the memory of the default config.
MOST_PIXELS = 16 * 320**2
#: Batch norm needs more than one image.
BATCH = (2, 16)
#: Images of which the size is looked up.
SAMPLE = 200


@dataclass(frozen=True)
class Inputs:
    """What the network gets.

    Attributes:
        img_size: Side in pixels, a multiple of 32.
        batch_size: Images of each task.
        drop_last: Whether an epoch ends at the last whole batch.
        side: Side at the input that nine of ten boxes reach; None where
            there are no boxes.
        sizes: (height, width) of the images that decided.
    """
    img_size: int
    batch_size: int
    drop_last: bool
    side: float | None
    sizes: Sequence[tuple[int, int]]


def default_model() -> tuple[str, str]:
    """The network for this machine, and why."""
    if torch.cuda.is_available():
        return 'rn50_pafpn', 'a GPU is there'
    return 'efflite0_fpn', 'no GPU is visible'


def choose_inputs(boxes: Sequence[BoxSource], masks: Sequence[MaskSource],
                  train: Mapping[str, int]) -> Inputs:
    """Size and batch by the images that have boxes, else by the others.

    The size is that of the images, 320 at most, and larger where a tenth of
    the boxes would be under 8 pixels, as long as two images need no more
    memory than 16 of 320 pixels.

    Args:
        boxes: Of training.
        masks: Of training, and other maps.
        train: Images of training by task.

    Raises:
        ConfigError: None of the images can be read.
    """
    sides: list[float] = []
    if boxes:
        found = [_of_boxes(source) for source in boxes]
        sizes = [size for own, _ in found for size in own]
        sides = [side for _, own in found for side in own]
    else:
        sizes = [s for m in masks for n in _sample(m.names)
                 if (s := _size(m.files[n])) is not None]
    if not sizes:
        raise ConfigError('None of the images can be read: check '
                          '--det-images, --seg-images and --label-images.')
    longest = int(np.median([max(size) for size in sizes]))
    side = min(USUAL, max(LEAST, _up(longest)))
    small = float(np.quantile(sides, MAY_BE_SMALLER)) if sides else None
    if small:
        most = math.isqrt(MOST_PIXELS // BATCH[0]) // 32 * 32
        side = max(side, min(_up(SMALLEST / small), most))
    fitting = MOST_PIXELS // side**2
    fewest = min(train.values())
    batch = max(BATCH[0], min(BATCH[1], fitting, fewest))
    return Inputs(side, batch, fewest >= batch,
                  small * side if small else None, sizes)


def _of_boxes(source: BoxSource
              ) -> tuple[list[tuple[int, int]], list[float]]:
    """Sizes of images, and sides of boxes as a share of the image's."""
    sizes, sides = [], []
    with_boxes = [p for p in source.labels.pictures
                  if p.file_name in source.pairs and p.things]
    for picture in _sample(with_boxes):
        size = picture.size or _size(
            source.files[source.pairs[picture.file_name]])
        if size is None:
            continue
        sizes.append(size)
        for thing in picture.things:
            x1, y1, x2, y2 = thing.bbox or (0, 0, 0, 0)
            if x2 > x1 and y2 > y1:
                area = (x2 - x1) * (y2 - y1) / (size[0] * size[1])
                sides.append(math.sqrt(area))
    return sizes, sides


def _sample(items: Sequence[Any]) -> Sequence[Any]:
    return items[::max(len(items) // SAMPLE, 1)]


def _size(path: str) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except (DataError, OSError):
        return None  # the check that follows tells


def _up(side: float) -> int:
    return -(-math.ceil(side) // 32) * 32


def workers() -> int:
    """Processes that load images, for each stream."""
    return min(4, os.cpu_count() or 1)
