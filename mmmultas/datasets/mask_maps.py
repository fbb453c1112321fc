"""Edges and saliency that follow from masks of classes.

For those who have masks and want to try further tasks on them: an edge is
where the class changes, and what is not background stands out.
"""
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import DataError

from .decode import decode_mask
from .label_map import IGNORE
from .listing import list_files

__all__ = ['VOID', 'borders', 'foreground', 'write_mask_maps']

#: Value of unknown pixels in files whose yes is 255.
VOID = 127


def borders(classes: NDArray[np.uint8],
            ignore: int = IGNORE) -> NDArray[np.uint8]:
    """Where the class changes, one pixel wide.

    Unknown pixels, such as VOC's white frames, take the nearest class: the
    edge runs in their middle.

    Args:
        classes: (H, W), a number per pixel.
        ignore: Number of unknown pixels.

    Returns:
        (H, W) uint8: 255 where the pixel to the right or below is of
        another class, else 0; 127 everywhere if no pixel is known.
    """
    known = classes != ignore
    if not known.any():
        return np.full(classes.shape, VOID, np.uint8)
    if not known.all():
        _, places = cv2.distanceTransformWithLabels(
            (~known).astype(np.uint8), cv2.DIST_L2, 5,
            labelType=cv2.DIST_LABEL_PIXEL)
        by_place = np.zeros(places.max() + 1, np.uint8)
        by_place[places[known]] = classes[known]
        classes = by_place[places]
    edges = np.zeros(classes.shape, bool)
    edges[:, :-1] |= classes[:, 1:] != classes[:, :-1]
    edges[:-1] |= classes[1:] != classes[:-1]
    return edges.astype(np.uint8) * 255


def foreground(classes: NDArray[np.uint8],
               background: int = 0,
               ignore: int = IGNORE) -> NDArray[np.uint8]:
    """255 where a class other than background is, 127 where none is known.

    Args:
        classes: (H, W), a number per pixel.
        background: Number of the background.
        ignore: Number of unknown pixels.
    """
    levels = np.where(classes == background, 0, 255)
    return np.where(classes == ignore, VOID, levels).astype(np.uint8)


def write_mask_maps(
    masks: str | Path,
    out: str | Path,
    bar: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> int:
    """Write ``edges/NAME.png`` and ``saliency/NAME.png`` of every mask.

    Args:
        masks: Folder of masks: PNGs of numbers, background 0, unknown 255.
        out: Folder of both; files that are there already are kept.
        bar: Wraps what is passed over, to show progress.

    Returns:
        The number of masks.

    Raises:
        DataError: No mask, or a broken one.
    """
    files, _ = list_files(str(masks), '.png')
    if not files:
        raise DataError(f'{masks} has no mask that ends in .png; mend the '
                        'path.')
    for name, path in bar(sorted(files.items())):
        targets = {what: Path(out) / what / f'{name}.png'
                   for what in ('edges', 'saliency')}
        if all(target.is_file() for target in targets.values()):
            continue
        with open(path, 'rb') as file:
            classes = decode_mask(file.read(), path)
        maps = dict(edges=borders(classes), saliency=foreground(classes))
        for what, target in targets.items():
            os.makedirs(target.parent, exist_ok=True)
            _, data = cv2.imencode('.png', maps[what])
            with atomic_path(target) as part:
                part.write_bytes(data.tobytes())
    return len(files)
