"""Masks cut out of boxes by GrabCut, as files (a baseline of weak losses)."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.registry import DATASETS
from mmmultas.structures import BOXES, CLASSES, kind_of, voc_colour
from mmmultas.utils.errors import ConfigError, DataError

from .decode import decode_image
from .files import read_bytes
from .label_map import IGNORE
from .writing import Track, is_whole_png, silent, write_json, write_png

__all__ = ['MaskFolder', 'grab_cut', 'write_box_masks']

#: What a folder of masks was made from.
MARK = 'made_from.json'
#: GrabCut's colour models want some pixels on both sides.
_MIN_SIDE = 8
#: Foreground below this share of a box is no object.
_MIN_SHARE = .05


@dataclass(frozen=True)
class MaskFolder:
    """What was written.

    Attributes:
        written: Masks that are new.
        kept: Masks that were there.
        unknown: Classes of boxes that have no pixel class.
    """
    written: int
    kept: int
    unknown: tuple[str, ...]


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
    out = Path(out)
    data = _built(cfg, stream)
    boxes, task = _task(data, BOXES), _mask_task(cfg)
    pixel = [task[1].index(n) if n in task[1] else -1 for n in boxes[1]]
    if max(pixel, default=-1) < 0:
        raise ConfigError(
            f'The boxes of `train_dataloader.{stream}` '
            f'({", ".join(boxes[1][:3])}) and the masks of {task[0]!r} '
            f'({", ".join(task[1][:3])}) share no class name.')
    _check_mark(out, dict(
        boxes=list(boxes[1]), masks=list(task[1]), images=len(data),
        first=Path(data.get_data_info(0)['img_path']).name,
        iterations=iterations))
    palette = [voc_colour(k) for k in range(256)]
    written = 0
    for index in track(range(len(data)), total=len(data), what='GrabCut'):
        record = data.get_data_info(index)
        image = decode_image(read_bytes(record['img_path'], 'image'),
                             record['img_path'], True)
        path = out / f'{Path(record["img_path"]).stem}.png'
        if is_whole_png(path, (image.shape[0], image.shape[1])):
            continue
        things = record['instances']
        write_png(path, grab_cut(
            image, np.array([t['bbox'] for t in things]),
            [pixel[t['bbox_label']] for t in things],
            [bool(t['ignore_flag']) for t in things], iterations), palette)
        written += 1
    return MaskFolder(written, len(data) - written, tuple(
        name for name, k in zip(boxes[1], pixel) if k < 0))


def _built(cfg: Mapping[str, Any], stream: str) -> Any:
    loaders = cfg.get('train_dataloader') or {}
    if loaders.get(stream) is None:
        raise ConfigError(f'`train_dataloader` has no stream {stream!r}: it '
                          f'has {", ".join(loaders) or "none"}.')
    data = DATASETS.build(loaders[stream]['dataset'])
    data.full_init()
    return data


def _task(data: Any, kind: str) -> tuple[str, list[str]]:
    """The task of a kind that a data set carries, and its classes."""
    meta = data.metainfo
    for task in meta['tasks']:
        if kind_of(task, meta) == kind:
            return task, list(meta[task]['classes'])
    raise ConfigError(f'The data set carries {", ".join(meta["tasks"])}, no '
                      f'label of the kind {kind!r}.')


def _mask_task(cfg: Mapping[str, Any]) -> tuple[str, list[str]]:
    for loader in (cfg.get('train_dataloader') or {}).values():
        if loader is not None:
            meta = DATASETS.build(loader['dataset']).metainfo
            for task in meta['tasks']:
                if kind_of(task, meta) == CLASSES:
                    return task, list(meta[task]['classes'])
    raise ConfigError('No stream of `train_dataloader` carries masks, whose '
                      'classes these would have.')


def _check_mark(out: Path, made_from: dict[str, Any]) -> None:
    """Masks of other data must not be taken for these."""
    path = out / MARK
    if path.is_file():
        if json.loads(path.read_text()) != made_from:
            raise DataError(
                f'{out} holds masks that were made from other images, '
                'classes or settings: name another folder, or remove it.')
    elif out.is_dir() and any(out.glob('*.png')):
        raise DataError(f'{out} holds masks that GrabCut did not make here: '
                        'name another folder.')
    else:
        write_json(path, made_from)
