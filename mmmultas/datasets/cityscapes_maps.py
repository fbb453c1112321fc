"""Further maps of Cityscapes' frames: disparity, and label ids themselves.

Written beside what :func:`~mmmultas.datasets.cityscapes.convert_cityscapes`
writes: ``{train,val}/{disparity,label_ids}/NAME.png``.
"""
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError, DataError

from .cityscapes import (SPLITS, Frame, check_size, find_frames,
                         read_label_ids)
from .decode import decode_mask, decode_values
from .files import read_bytes
from .writing import Track, is_whole_png, silent, write_whole

__all__ = ['DISPARITIES', 'convert_disparity', 'convert_label_ids']

#: How a disparity is written → ``scale`` that a data set reads it with:
#: 'pixels' of the full-size image, or MTAN's fraction of 2^16.
DISPARITIES = dict(pixels=1 / 256, mtan=1 / 65536)


def convert_disparity(root: str | os.PathLike[str],
                      out: str | os.PathLike[str],
                      size: tuple[int, int] = (128, 256),
                      splits: Sequence[str] = SPLITS,
                      form: str = 'pixels',
                      track: Track = silent) -> dict[str, int]:
    """Write the disparities of the frames; what is there and whole stays.

    The data set's files hold 256 · d + 1 for a disparity of d pixels, and 0
    where it is not known. 'pixels' writes them less 1, so that one step is
    1/256 pixel of the full-size image; 'mtan' writes them as they are, which
    MTAN's authors divide by 2^16. Nearest neighbours: a mean of two surfaces
    is none of both.

    Args:
        root: Folder with ``leftImg8bit``, ``gtFine`` and ``disparity``.
        out: Where the folders of the splits are.
        size: (height, width) of what is written, in pixels.
        splits: 'train', 'val' or both.
        form: One of :data:`DISPARITIES`.
        track: Progress bar.

    Returns:
        Files by split.

    Raises:
        ConfigError: An unknown form.
        DataError: A missing or broken file, or one of another size.
    """
    if form not in DISPARITIES:
        raise ConfigError(f'a disparity is written as '
                          f'{" or ".join(DISPARITIES)}, not as {form!r}.')
    counts = {}
    for split in splits:
        frames = find_frames(root, split)
        for frame in track(frames, total=len(frames),
                           what=f'disparity of {split}'):
            path = Path(out) / split / 'disparity' / f'{frame.name}.png'
            if not is_whole_png(path, size):
                values = _read_disparity(Path(root), split, frame)
                small = cv2.resize(values, size[::-1],
                                   interpolation=cv2.INTER_NEAREST_EXACT)
                if form == 'pixels':
                    small = np.maximum(small, 1) - 1
                write_whole(path, cv2.imencode(
                    '.png', small.astype(np.uint16))[1].tobytes())
        counts[split] = len(frames)
    return counts


def convert_label_ids(root: str | os.PathLike[str],
                      out: str | os.PathLike[str],
                      size: tuple[int, int] = (128, 256),
                      splits: Sequence[str] = SPLITS,
                      track: Track = silent) -> dict[str, int]:
    """Write masks of the label ids themselves; what is whole stays.

    A data set says by ``mask_values`` which ids a class consists of. Nearest
    neighbours.

    Args:
        root: Folder with ``leftImg8bit`` and ``gtFine``.
        out: Where the folders of the splits are.
        size: (height, width) of what is written, in pixels.
        splits: 'train', 'val' or both.
        track: Progress bar.

    Returns:
        Files by split.

    Raises:
        DataError: A missing or broken file, or one with unknown ids.
    """
    counts = {}
    for split in splits:
        frames = find_frames(root, split)
        for frame in track(frames, total=len(frames),
                           what=f'label ids of {split}'):
            path = Path(out) / split / 'label_ids' / f'{frame.name}.png'
            if not is_whole_png(path, size):
                ids = read_label_ids(frame.labels)
                small = cv2.resize(ids, size[::-1],
                                   interpolation=cv2.INTER_NEAREST_EXACT)
                write_whole(path, cv2.imencode('.png', small)[1].tobytes())
        counts[split] = len(frames)
    return counts


def _read_disparity(root: Path, split: str, frame: Frame) -> NDArray[Any]:
    """(H, W) as stored, as int32."""
    city = frame.image.parent.name
    path = root / 'disparity' / split / city / f'{frame.name}_disparity.png'
    values = decode_values(read_bytes(path, 'disparity'), str(path))
    if values.dtype != np.uint16 or values.ndim != 2:
        raise DataError(f'{path} is no grey PNG of 16 bits; unpack '
                        f'disparity_trainvaltest again.')
    labels = decode_mask(read_bytes(frame.labels, 'mask'), str(frame.labels))
    height, width = labels.shape
    check_size(path, values.shape, (height, width))
    return values.astype(np.int32)
