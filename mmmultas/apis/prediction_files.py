"""Predictions as files: boxes in JSON, masks, pictures, videos."""
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from numpy.typing import NDArray

from mmmultas.registry import WRITERS
from mmmultas.structures import (BOXES, SEG, kind_of, pred_field,
                                 sem_seg_data, write_index_mask)
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.progress import progress
from mmmultas.visualization.visualizer import MultiTaskVisualizer

from .image_sources import Source, Video, image_sources, is_video
from .inferencer import MultiTaskInferencer, Prediction
from .writers import MapWriter

__all__ = [
    'as_sample', 'detections_of', 'predict_to_files', 'write_index_mask'
]


def predict_to_files(inferencer: MultiTaskInferencer,
                     given: str | Path | Sequence[str | Path],
                     out_dir: str | Path) -> list[Path]:
    """Predict, and write what was found below ``out_dir``.

    Of pictures: ``overlays/NAME.jpg``, with a detector
    ``predictions.json``, with a segmenter ``masks/NAME.png``, and of any
    further task ``TASK/NAME.png``, as its kind is stored
    (:mod:`mmmultas.apis.writers`). Of a video: ``NAME.mp4`` with overlays
    (boxes and masks, and a panel for each further task) and ``NAME.jsonl``
    with a line per frame.

    Args:
        inferencer: The model; boxes under its ``score_thr`` are left out
            everywhere. Its ``skipped`` says which pictures were left out.
        given: A picture, a folder or a video, or several of them; all are
            looked for before the first one is predicted on.
        out_dir: Folder of the files; made where it is missing.

    Returns:
        list: The files and folders written.

    Raises:
        DataError: ``given`` does not exist or cannot be decoded.
        ConfigError: ``out_dir`` cannot be written.
    """
    inferencer.skipped = []
    given = [given] if isinstance(given, str | Path) else list(given)
    videos = [Video(one) for one in given if is_video(one)]
    sources = image_sources([one for one in given if not is_video(one)])
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f'--out-dir {folder} cannot be made '
                          f'({error.strerror}).') from error
    written: list[Path] = []
    for video in videos:
        written += _video_to_files(inferencer, video, folder)
    if sources:
        written += _pictures_to_files(inferencer, sources, folder)
    return written


def detections_of(prediction: Prediction) -> list[dict[str, Any]]:
    """Boxes as they are written: label, name, score, xyxy pixels."""
    return [
        dict(
            label=label,
            name=name,
            score=round(score, 5),
            bbox=[round(x, 2) for x in box]) for label, name, score, box in
        zip(prediction['labels'].tolist(), prediction['names'],
            prediction['scores'].tolist(), prediction['bboxes'].tolist())
    ]


def as_sample(prediction: Prediction) -> DetDataSample:
    """A prediction as the visualizer wants it."""
    sample = DetDataSample()
    if 'bboxes' in prediction:
        sample.pred_instances = InstanceData(**{
            key: torch.from_numpy(prediction[key])
            for key in ('bboxes', 'scores', 'labels')
        })
    if 'seg_map' in prediction:
        sample.pred_sem_seg = sem_seg_data(
            torch.from_numpy(prediction['seg_map'].astype(np.int64))[None])
    for task, found in prediction.get('boxes', {}).items():
        setattr(sample, pred_field(task), InstanceData(**{
            key: torch.from_numpy(found[key])
            for key in ('bboxes', 'scores', 'labels')
        }))
    for task, values in prediction.get('maps', {}).items():
        data = torch.from_numpy(np.ascontiguousarray(
            values[None] if values.ndim == 2 else values.transpose(2, 0, 1)))
        setattr(sample, pred_field(task), PixelData(data=data))
    return sample


def _visualizer(inferencer: MultiTaskInferencer) -> MultiTaskVisualizer:
    visualizer = MultiTaskVisualizer('predict')
    visualizer.dataset_meta = inferencer.meta
    return visualizer


def _pictures_to_files(inferencer: MultiTaskInferencer,
                       sources: list[Source], folder: Path) -> list[Path]:
    visualizer = _visualizer(inferencer)
    overlays, masks = folder / 'overlays', folder / 'masks'
    overlays.mkdir(exist_ok=True)
    written = [overlays]
    if 'seg' in inferencer.tasks:
        masks.mkdir(exist_ok=True)
        written.append(masks)
    writers = _map_writers(inferencer, folder)
    written += [folder / task for task in writers]
    images = []
    taken: set[str] = set()
    for source, found in _tracked(inferencer, sources, len(sources)):
        name = _free_name(source, taken)
        drawn = visualizer.draw(
            _rgb(source), as_sample(found), draw_gt=False, pred_score_thr=0)
        cv2.imwrite(str(overlays / f'{name}.jpg'), drawn[..., ::-1])
        if 'seg_map' in found:
            write_index_mask(masks / f'{name}.png', found['seg_map'],
                             inferencer.meta['seg']['palette'])
        for task, writer in writers.items():
            path = folder / task / f'{name}{writer.suffix}'
            writer.write(path, found['maps'][task])
        images.append(_entry(found, name))
    if any(kind_of(task, inferencer.meta) == BOXES
           for task in inferencer.tasks):
        written.append(folder / 'predictions.json')
        with atomic_path(written[-1]) as part:
            part.write_text(
                json.dumps(
                    dict(
                        classes=list(
                            inferencer.meta.get('det', {}).get('classes',
                                                               ())),
                        images=images)))
    return written


def _entry(found: Prediction, name: str) -> dict[str, Any]:
    """What ``predictions.json`` says of a picture."""
    entry = dict(
        img_path=found['path'], height=found['height'], width=found['width'])
    if 'seg_map' in found:
        entry['mask'] = f'masks/{name}.png'
    if 'bboxes' in found:
        entry['detections'] = detections_of(found)
    if 'boxes' in found:
        entry['boxes'] = {task: detections_of(boxes)
                          for task, boxes in found['boxes'].items()}
    return entry


def _map_writers(inferencer: MultiTaskInferencer,
                 folder: Path) -> dict[str, MapWriter]:
    """Writers of the tasks that have maps beside 'seg'; makes folders.

    Raises:
        ConfigError: A kind that nobody writes.
    """
    writers = {}
    for task in inferencer.tasks:
        kind = kind_of(task, inferencer.meta)
        if kind == BOXES or task == SEG:
            continue
        writer = WRITERS.get(kind)
        if writer is None:
            raise ConfigError(
                f'{task!r} is of the kind {kind!r}, which nobody writes: '
                'register a writer in WRITERS (docs/add_a_task.md).')
        (folder / task).mkdir(exist_ok=True)
        writers[task] = writer(inferencer.meta[task])
    return writers


def _video_to_files(inferencer: MultiTaskInferencer, video: Video,
                    folder: Path) -> list[Path]:
    visualizer = _visualizer(inferencer)
    film = folder / f'{video.path.stem}.mp4'
    lines = folder / f'{video.path.stem}.jsonl'
    if film.exists() and film.samefile(video.path):
        raise ConfigError(f'{film} would be overwritten: choose another '
                          '--out-dir.')
    writer = None
    with atomic_path(lines) as part, open(part, 'w') as file:
        try:
            for source, found in _tracked(inferencer, video, len(video)):
                drawn = visualizer.overlay(
                    _rgb(source), as_sample(found), pred_score_thr=0)
                if writer is None:
                    writer = _film_writer(film, video.fps, drawn.shape)
                writer.write(np.ascontiguousarray(drawn[..., ::-1]))
                _write_line(file, found)
        finally:
            if writer is not None:
                writer.release()
    return [film, lines]


def _film_writer(path: Path, fps: float,
                 shape: tuple[int, ...]) -> cv2.VideoWriter:
    codec = cv2.VideoWriter.fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(path), codec, fps, (shape[1], shape[0]))
    if not writer.isOpened():
        raise DataError(f'{path} cannot be written: this OpenCV has no mp4 '
                        'encoder, or the disk is full.')
    return writer


def _write_line(file: TextIO, found: Prediction) -> None:
    line: dict[str, Any] = dict(frame=found['frame'])
    if 'bboxes' in found:
        line['detections'] = detections_of(found)
    if 'boxes' in found:
        line['boxes'] = {task: detections_of(boxes)
                         for task, boxes in found['boxes'].items()}
    if 'seg_map' in found:
        values, counts = np.unique(found['seg_map'], return_counts=True)
        line['pixels'] = {
            str(value): count
            for value, count in zip(values.tolist(), counts.tolist())
        }
    file.write(json.dumps(line) + '\n')


def _tracked(inferencer: MultiTaskInferencer, sources: Iterable[Source],
             total: int) -> Iterator[tuple[Source, Prediction]]:
    pairs = (pair for batch in inferencer.batches(sources) for pair in batch)
    yield from progress(pairs, total=total or None, what='predict')


def _rgb(source: Source) -> NDArray[np.uint8]:
    assert source.image is not None
    return np.ascontiguousarray(source.image[..., ::-1])


def _free_name(source: Source, taken: set[str]) -> str:
    """The picture's name; ``a.jpg`` and ``a.png`` must not share files."""
    stem = name = source.path.stem if source.path else 'array'
    number = 2
    while name in taken:
        name = f'{stem}_{number}'
        number += 1
    taken.add(name)
    return name
