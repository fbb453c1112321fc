"""Pictures of what the network is shown, stream by stream."""
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.structures import DetDataSample

from mmmultas.engine.streams import Stream, build_eval_loader
from mmmultas.structures import has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.pictures import read_rgb
from mmmultas.utils.progress import progress
from mmmultas.visualization.drawing import Picture, add_caption, side_by_side
from mmmultas.visualization.visualizer import MultiTaskVisualizer

__all__ = ['browse_streams', 'contact_sheet', 'shown_samples']

#: Samples without the task that is asked for, until a stream is given up.
MOST_PASSED = 500


def browse_streams(cfg: Mapping[str, Any],
                   out_dir: str | Path,
                   split: str = 'train',
                   streams: Sequence[str] | None = None,
                   number: int = 12,
                   start: int = 0,
                   columns: int = 4,
                   task: str | None = None) -> list[Path]:
    """Write one sheet of pictures per stream.

    Args:
        cfg: A config with ``{split}_dataloader``.
        out_dir: Folder of the sheets, ``{split}_{stream}.png``.
        split: ``train``: the uint8 inputs and their labels after
            augmentation, in the order and with the randomness of a run with
            this config; ``val`` or ``test``: the images in their own size.
        streams: Names of the streams, all by default.
        number: Samples per stream.
        start: First batch (of ``train``), counted from 0.
        columns: Pictures per row.
        task: Draw the labels of this task alone, of streams that have some.

    Returns:
        list: The files written.

    Raises:
        ConfigError: No such streams in the config, or none with the task.
    """
    loaders = {
        name: loader
        for name, loader in (cfg.get(f'{split}_dataloader') or {}).items()
        if loader is not None
    }
    names = list(loaders) if streams is None else list(streams)
    unknown = sorted(set(names) - set(loaders))
    if unknown or not names:
        raise ConfigError(
            f'`{split}_dataloader` has no stream {unknown or "at all"}: it '
            f'has {sorted(loaders)}.')
    seed = (cfg.get('randomness') or {}).get('seed') or 0
    paths = []
    seen: dict[str, None] = {}
    for name in names:
        stream = dict(loaders[name], num_workers=0)
        stream.pop('persistent_workers', None)
        path = Path(out_dir) / f'{split}_{name}.png'
        pictures = [
            picture for _, picture in zip(
                progress(range(number), what=f'{split} {name}'),
                _pictures(split, name, stream, seed, start, task, seen))
        ]
        if task is not None and not pictures:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), contact_sheet(pictures, columns)[..., ::-1])
        paths.append(path)
    if not paths:
        raise ConfigError(f'No stream of `{split}_dataloader` shows labels of '
                          f'{task!r}; their tasks are {", ".join(seen)}.')
    return paths


def shown_samples(
        split: str,
        name: str,
        cfg: dict[str, Any],
        seed: int = 0,
        start: int = 0) -> Iterator[tuple[dict, Picture, DetDataSample]]:
    """Yield data-set metainfo, RGB image and sample, in a run's order.

    Args:
        split: ``train``, ``val`` or ``test``.
        name: Name of the stream.
        cfg: Config of the stream.
        seed: Seed of order and augmentation.
        start: First batch of a training stream.
    """
    batches: Any
    if split == 'train':
        stream = Stream(name, cfg, seed)
        stream.seek(start)
        dataset, batches = stream.dataset, iter(stream.__next__, None)
    else:
        batches = build_eval_loader(f'{split}_dataloader', name, cfg, seed)
        dataset = batches.dataset
    for batch in batches:
        for planes, sample in zip(batch['inputs'], batch['data_samples']):
            image = _picture(split, planes.numpy(), sample)
            yield dict(dataset.metainfo), image, sample


def contact_sheet(pictures: Sequence[Picture], columns: int = 4) -> Picture:
    """Lay pictures out in rows of ``columns``, on white.

    Raises:
        ValueError: There is no picture.
    """
    if not pictures:
        raise ValueError('a contact sheet needs at least one picture')
    rows = [side_by_side(pictures[first:first + columns])
            for first in range(0, len(pictures), columns)]
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 8), (0, width - row.shape[1]), (0, 0)),
               constant_values=250) for row in rows
    ]
    return np.vstack(padded)


def _picture(split: str, planes: Picture, sample: DetDataSample) -> Picture:
    """The RGB picture that the labels of a sample belong to."""
    if split != 'train' and sample.img_shape != sample.ori_shape:
        # labels of evaluation are in the size of the file
        return read_rgb(sample.img_path, sample.metainfo.get('exif', True))
    return np.ascontiguousarray(planes[::-1].transpose(1, 2, 0))


def _pictures(split: str, name: str, cfg: dict[str, Any], seed: int,
              start: int, task: str | None,
              seen: dict[str, None]) -> Iterator[Picture]:
    visualizer = MultiTaskVisualizer(f'browse_{split}_{name}', min_side=320)
    passed = 0
    for meta, image, sample in shown_samples(split, name, cfg, seed, start):
        seen.update(dict.fromkeys(meta.get('tasks', ())))
        if task is not None and not has_task(sample, task):
            passed += 1
            if task not in meta['tasks'] or passed > MOST_PASSED:
                return
            continue
        if task is not None:
            meta = {task: meta[task]}
        visualizer.dataset_meta = meta
        drawn = visualizer.draw(image, sample, draw_pred=False)
        yield add_caption(drawn, _title(sample.metainfo))


def _title(meta: Mapping[str, Any]) -> str:
    """The file's name, which a person can look for; else its number."""
    path = str(meta.get('img_path', ''))
    return Path(path).name or str(meta.get('img_id', ''))
