"""Grad-CAM of several checkpoints side by side, as pictures."""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmmultas.structures import CLASSES, DET, SEG, kind_of
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress
from mmmultas.visualization.drawing import (Picture, add_caption, draw_boxes,
                                            side_by_side)
from mmmultas.visualization.heat import blend_heat, outline_region

from mmmultas.apis.image_sources import image_sources
from mmmultas.apis.inferencer import MultiTaskInferencer
from .error_analysis import names_of
from .grad_cam import CamTarget, Explanation, explain, find_layer

__all__ = ['CamFigure', 'draw_explanation', 'write_cams']

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class CamFigure:
    """What a figure explains.

    Attributes:
        layer: Dotted path of the layer, the same in all models.
        level: Which of a layer's outputs; None: all of them, added.
        tasks: A row each; None: the tasks that any of the models has.
        name: Name of the class; None: see :class:`CamTarget`.
        rank: The how-manieth best box, from 1.
        region: xyxy in the picture's pixels, see :class:`CamTarget`.
        alpha: Opacity of the heat.
        side: Longer side of a panel in pixels.
    """
    layer: str
    level: int | None = None
    tasks: tuple[str, ...] | None = None
    name: str | None = None
    rank: int = 1
    region: tuple[float, ...] | None = None
    alpha: float = 0.5
    side: int = 400


def write_cams(images: Any,
               checkpoints: Sequence[str],
               figure: CamFigure,
               out_dir: str | Path,
               titles: Sequence[str] | None = None,
               device: str | None = None,
               config: str | None = None) -> list[Path]:
    """Write ``NAME.png`` per picture: a row per task, a column per model.

    A model without a task is left out of its row.

    Args:
        images: A picture, a folder or a list of them.
        checkpoints: Files of training or of ``publish_model.py``.
        figure: What is explained.
        out_dir: The folder; made where it is missing.
        titles: Names of the models, by default those of their files.
        device: As in :class:`MultiTaskInferencer`.
        config: Config of all models, by default the checkpoints' own.

    Returns:
        list: The files.

    Raises:
        ConfigError: The figure does not fit the models.
        CheckpointError: A checkpoint is missing, broken or unsafe.
        DataError: A picture does not exist or cannot be decoded.
    """
    names = list(titles or names_of([str(path) for path in checkpoints]))
    if len(names) != len(checkpoints):
        raise ConfigError(f'There are {len(names)} titles for '
                          f'{len(checkpoints)} checkpoints: give one each.')
    if figure.rank < 1:
        raise ConfigError('Boxes are counted from 1, the best: there is no '
                          f'box {figure.rank}.')
    sources = image_sources(images)
    models = [MultiTaskInferencer(path, device, config=config)
              for path in checkpoints]
    rows = _rows(models, figure)
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in progress(sources, total=len(sources), what='explain'):
        drawn = _figure(source, list(zip(names, models)), rows, figure)
        stem = source.path.stem if source.path else 'array'
        path = folder / f'{stem}.png'
        number = 2
        while path in written:  # a.jpg and a.png, or of two folders
            path = folder / f'{stem}_{number}.png'
            number += 1
        cv2.imwrite(str(path), drawn[..., ::-1])
        written.append(path)
    return written


def draw_explanation(image: Picture, found: Explanation,
                     name: str | None, title: str, figure: CamFigure
                     ) -> Picture:
    """The heat over a picture, with what it explains.

    Args:
        image: (H, W, 3) uint8 RGB.
        found: The explanation, of the picture's size.
        name: Name of the class.
        title: Name of the model.
        figure: Opacity and size of the panel.
    """
    scale = figure.side / max(image.shape[:2])
    panel = _resized(image, scale)
    if found.heat is None:
        what = f'no {name}' if name else 'nothing found'
        return add_caption(panel, f'{title}: {what}')
    heat = cv2.resize(found.heat, panel.shape[1::-1],
                      interpolation=cv2.INTER_LINEAR)
    panel = blend_heat(panel, heat, figure.alpha)
    if found.box is not None:
        panel = draw_boxes(panel, found.box[None] * scale, [''], [WHITE])
        what = f'{name} {found.score:.2f}'
    else:
        assert found.pixels is not None
        pixels = cv2.resize(found.pixels.astype(np.uint8),
                            panel.shape[1::-1],
                            interpolation=cv2.INTER_NEAREST)
        panel = outline_region(panel, pixels > 0, WHITE)
        what = f'{found.pixels.mean():.0%} of the pixels'
        what = f'{name}, {what}' if name else what
    return add_caption(panel, f'{title}: {what}')


def _rows(models: Sequence[MultiTaskInferencer],
          figure: CamFigure) -> tuple[str, ...]:
    """The tasks that are drawn, checked against the models."""
    known = list(dict.fromkeys(t for model in models for t in model.tasks))
    known.sort(key=lambda task: task not in (DET, SEG))
    tasks = tuple(known) if figure.tasks is None else figure.tasks
    for task in tasks:
        if task not in known:
            raise ConfigError(f'None of the models has a head for {task!r}: '
                              f'there are {known}.')
    for model in models:
        find_layer(model.model, figure.layer)
    if figure.name is None:
        return tasks
    named = [task for task in tasks
             if any(figure.name in _classes(model, task)
                    for model in models if task in model.tasks)]
    if not named:
        classes = sorted({
            name for model in models for task in tasks if task in model.tasks
            for name in _classes(model, task)})
        raise ConfigError(f'No model knows the class {figure.name!r}: there '
                          f'are {", ".join(classes)}.')
    return tuple(named)


def _figure(source: Any, models: Sequence[tuple[str, MultiTaskInferencer]],
            tasks: Sequence[str], figure: CamFigure) -> Picture:
    [read] = models[0][1].read([source])
    assert read.image is not None
    image = np.ascontiguousarray(read.image[..., ::-1])
    scale = figure.side / max(image.shape[:2])
    rows = []
    for task in tasks:
        panels = [add_caption(_resized(image, scale), _row_title(task))]
        for title, model in models:
            if task not in model.tasks:
                continue
            classes = _classes(model, task)
            if figure.name is not None and figure.name not in classes:
                continue
            found = explain(model.model, model.pack(read), figure.layer,
                            _target(task, kind_of(task, model.meta), classes,
                                    figure), figure.level)
            name = figure.name if found.label is None else classes[
                found.label]
            panels.append(
                draw_explanation(image, found, name, title, figure))
        rows.append(side_by_side(panels))
    return _stacked(rows)


def _classes(model: MultiTaskInferencer, task: str) -> Sequence[str]:
    """Names of a task's classes; none of depth and its like."""
    names: Sequence[str] = model.meta[task].get('classes', ())
    return names


def _row_title(task: str) -> str:
    return {DET: 'score of a box', SEG: 'scores of pixels'}.get(task, task)


def _target(task: str, kind: str, classes: Sequence[str],
            figure: CamFigure) -> CamTarget:
    names = list(classes)
    return CamTarget(
        task,
        label=None if figure.name is None else names.index(figure.name),
        rank=figure.rank,
        region=figure.region,
        background=(names.index('background')
                    if kind == CLASSES and 'background' in names else None))


def _resized(image: Picture, scale: float) -> Picture:
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=smooth), np.uint8)


def _stacked(rows: Sequence[NDArray]) -> Picture:
    """Rows below each other, the shorter ones on white."""
    width = max(row.shape[1] for row in rows)
    return np.vstack([
        np.pad(row, ((0, 8), (0, width - row.shape[1]), (0, 0)),
               constant_values=250) for row in rows
    ])
