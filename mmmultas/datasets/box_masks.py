"""Masks cut out of boxes by GrabCut, as files (a baseline of weak losses)."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError

from .decode import decode_image
from .files import read_bytes
from .label_map import IGNORE
from .mask_folder import MaskFolder, MaskMaker
from .writing import Track, silent

__all__ = ['grab_cut', 'write_box_masks']

#: GrabCut's colour models want some pixels on both sides.
_MIN_SIDE = 8
#: Foreground below this share of a box is no object.
_MIN_SHARE = .05


def grab_cut(image: NDArray[np.uint8], boxes: NDArray[Any],
             labels: Sequence[int], ignored: Sequence[bool] = (),
             iterations: int = 5) -> NDArray[np.uint8]:
    """Objects cut out of their boxes (Rother et al., SIGGRAPH 2004).

    Outside of all boxes is background; the smallest box is on top. What
    GrabCut cannot tell, a box with hardly any foreground or of a few pixels,
    is ignored.

    Args:
        image: (H, W, 3) BGR.
        boxes: (M, 4) corners in pixels.
        labels: Pixel class of each; -1 is left out.
        ignored: Whether a box is neither an object nor background.
        iterations: Of GrabCut.

    Returns:
        (H, W) pixel classes, 0 for background, 255 for what is ignored.
    """
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    ends: NDArray[Any] = np.asarray(boxes, np.float64).reshape(-1, 4)
    ends = ends.round().astype(int).clip(0, [width, height] * 2)
    skipped = list(ignored) or [False] * len(ends)
    areas = (ends[:, 2:] - ends[:, :2]).prod(1)
    for m in np.argsort(-areas, kind='stable'):
        x1, y1, x2, y2 = (int(v) for v in ends[m])
        if labels[m] < 0 or not areas[m]:
            continue
        part = mask[y1:y2, x1:x2]
        inside = None if skipped[m] else _foreground(
            image, (x1, y1, x2 - x1, y2 - y1), iterations)
        if inside is None:
            part[:] = IGNORE
        else:
            part[inside] = labels[m]
    return mask


def _foreground(image: NDArray[np.uint8], box: tuple[int, int, int, int],
                iterations: int) -> NDArray[np.bool_] | None:
    """Pixels of a box that are its object; None if they cannot be told."""
    x, y, w, h = box
    height, width = image.shape[:2]
    if min(w, h) < _MIN_SIDE or w * h > .98 * height * width:
        return None
    cv2.setRNGSeed(0)
    found = np.zeros((height, width), np.uint8)
    models = np.zeros((2, 1, 65))
    cv2.grabCut(image, found, box, models[0], models[1], iterations,
                cv2.GC_INIT_WITH_RECT)
    inside = (found[y:y + h, x:x + w] & 1) == 1
    return inside if inside.mean() >= _MIN_SHARE else None


def write_box_masks(cfg: Mapping[str, Any],
                    out: str | Path,
                    stream: str,
                    iterations: int = 5,
                    track: Track = silent) -> MaskFolder:
    """Write a mask for every image of a training stream of boxes.

    Masks that are whole stay, so that an interrupted call goes on.

    Args:
        cfg: A config with ``train_dataloader``; another of its streams
            carries masks, whose classes are taken.
        out: Folder of ``<image>.png``.
        stream: Name of the stream of boxes.
        iterations: Of GrabCut.
        track: Wraps what the loop runs over.

    Raises:
        ConfigError: No such stream, no boxes, no masks, no shared class.
        DataError: The folder holds masks of other data or settings.
    """
    maker = MaskMaker(cfg, stream, out)
    pixel = [maker.masks.index(n) if n in maker.masks else -1
             for n in maker.boxes]
    if max(pixel, default=-1) < 0:
        raise ConfigError(
            f'The boxes of `train_dataloader.{stream}` '
            f'({", ".join(maker.boxes[:3])}) and the masks of {maker.task!r} '
            f'({", ".join(maker.masks[:3])}) share no class name: rename some '
            "with the data set's `label_map`.")
    made_from: dict[str, Any] = dict(iterations=iterations)
    if not maker.exif:
        made_from['exif'] = False
    maker.begin(made_from, 'GrabCut')
    written, count = 0, len(maker.paths)
    for index in track(range(count), total=count, what='GrabCut'):
        path = maker.paths[index]
        image = decode_image(read_bytes(path, 'image'), path, maker.exif)
        if maker.is_there(index, (image.shape[0], image.shape[1])):
            continue
        things = maker.record(index)['instances']
        maker.write(index, grab_cut(
            image, np.array([t['bbox'] for t in things]),
            [pixel[t['bbox_label']] for t in things],
            [bool(t['ignore_flag']) for t in things], iterations))
        written += 1
    return MaskFolder(written, count - written, tuple(
        name for name, k in zip(maker.boxes, pixel) if k < 0),
        maker.unlabelled)
