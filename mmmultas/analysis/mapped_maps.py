"""Prediction and label of two tasks in their joint space, as pictures."""
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from torch import Tensor

from mmmultas.engine.streams import build_eval_loader
from mmmultas.functional.task_space import cosine_distance, pair_column
from mmmultas.models.companions.cross_task import JointSpace
from mmmultas.models.multitask.taps import output_tap
from mmmultas.registry import MODELS, PAINTERS
from mmmultas.structures import (BOXES, CLASSES, gt_field, has_task,
                                 sem_seg_data)
from mmmultas.utils.checkpoint import load_file, load_weights
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.visualization.drawing import (Picture, add_caption,
                                            side_by_side)
from mmmultas.visualization.heat import blend_heat

from .browse import contact_sheet

__all__ = ['draw_mapped', 'load_joint_space']


def load_joint_space(cfg: Mapping[str, Any],
                     checkpoint: str | Path) -> tuple[Any, JointSpace]:
    """A network with the mapping that it was trained beside.

    Args:
        cfg: The config of its training.
        checkpoint: Of the run, not a published file: that has no mapping.

    Raises:
        ConfigError: The config has no companion with a mapping.
        CheckpointError: Nor has the checkpoint.
    """
    model = MODELS.build(cfg['model'])
    found = [(name, c) for name, c in model.companions.items()
             if isinstance(c, JointSpace)]
    if not found:
        raise ConfigError(
            '`model.companions` has no mapping network whose maps could be '
            'drawn: take a config with mmmultas.CrossTaskConsistency.')
    content = load_file(checkpoint)
    name, companion = found[0]
    state = (content.get('companions') or {}).get(name)
    if state is None:
        raise CheckpointError(
            f'{checkpoint} holds no companion {name!r}, whose mapping network '
            'is drawn: name a checkpoint of the training itself.')
    load_weights(model, content, str(checkpoint))
    companion.load_extra_state(state)
    return model.eval(), companion


@torch.no_grad()
def draw_mapped(cfg: Mapping[str, Any], checkpoint: str | Path,
                out_dir: str | Path, number: int = 4) -> list[Path]:
    """Write a sheet per validation image: a row per ordered pair of tasks.

    A row shows the image, the prediction of the first task and its map, the
    label of the second task and its map: the strength over channels in the
    last layer of the mapping but one, both maps in one scale (Figure 3 of the
    paper). The caption has the distance of both embeddings, 1 - cosine.

    Args:
        cfg: The config of the training.
        checkpoint: Of that training.
        out_dir: Folder of the sheets.
        number: Images.

    Raises:
        ConfigError: No mapping, or no validation data.
        CheckpointError: A checkpoint without the mapping.
    """
    model, companion = load_joint_space(cfg, checkpoint)
    streams = {k: v for k, v in (cfg.get('val_dataloader') or {}).items() if v}
    if not streams:
        raise ConfigError('`val_dataloader` has no stream to show.')
    name, stream = next(iter(streams.items()))
    stream = dict(stream, num_workers=0, persistent_workers=False,
                  batch_size=1)
    loader = build_eval_loader('val_dataloader', name, stream, 0)
    dataset: Any = loader.dataset
    meta, paths = dataset.metainfo, list[Path]()
    for batch, _ in zip(loader, range(number)):
        sample = batch['data_samples'][0]
        rows = list(_rows(model, companion, batch, meta))
        if not rows:
            continue
        stem = Path(str(sample.metainfo.get('img_path', len(paths)))).stem
        path = Path(out_dir) / f'{stem}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), contact_sheet(rows, 1)[..., ::-1])
        paths.append(path)
    return paths


def _rows(model: Any, companion: JointSpace, batch: Mapping[str, Any],
          meta: Mapping[str, Any]) -> Iterator[Picture]:
    """A row of pictures for each pair whose label the image has."""
    planes = batch['inputs'][0]
    image = np.ascontiguousarray(planes.numpy()[::-1].transpose(1, 2, 0))
    size = (image.shape[0], image.shape[1])
    sample = _at_size(batch['data_samples'][0], model, size)
    data = model.data_preprocessor(
        dict(inputs=[planes], data_samples=[sample]), True)
    sample, feats = data['data_samples'][0], model.encode(data['inputs'])
    tasks = companion.tasks
    outputs = model.raw_outputs(feats, tasks)
    large: Picture = np.asarray(
        cv2.resize(image, None, fx=2, fy=2), np.uint8)
    for s, source in enumerate(tasks):
        for t, target in enumerate(tasks):
            if (source, target) not in companion.pairs or not has_task(
                    sample, target):
                continue
            adapter, other = model.tasks[source], model.tasks[target]
            said = adapter.said_map(model.heads[source], outputs[source],
                                    tuple(data['inputs'].shape[-2:]))
            noise = torch.zeros_like(said) if adapter.draws else None
            label = other.shown_label(model.heads[target], [sample])
            column = torch.tensor([pair_column(s, t, len(tasks))])
            maps, distance = _mapped(companion.mapping, (
                (source, adapter.shown(said, noise)), (target, label)), column)
            yield side_by_side([
                add_caption(large, f'distance {distance:.2f}'),
                _painted(large, source, adapter.kind, meta, said, 'said'),
                add_caption(_heat(large, maps[0]), 'its map'),
                _painted(large, target, other.kind, meta,
                         sample.get(gt_field(target)), 'label'),
                add_caption(_heat(large, maps[1]), 'its map')])


def _mapped(mapping: Any, sides: tuple[tuple[str, Tensor], ...],
            column: Tensor) -> tuple[list[Tensor], float]:
    """Strength of both sides in the last layer but one, and the distance."""
    path = mapping.shown_layer
    with output_tap(mapping, [path]) as seen:
        found = mapping(list(sides), torch.tensor([0, 1]), column.repeat(2))
    strength = seen[path][0].relu().mean(1)
    strength = strength / strength.max().clamp(min=1e-6)
    distance = float(cosine_distance(found[:1], found[1:]))
    return list(strength), distance


def _at_size(sample: DetDataSample, model: Any,
             size: tuple[int, int]) -> DetDataSample:
    """Labels of evaluation, which have the file's size, at the input's."""
    for task in sample.metainfo.get('tasks', ()):
        field = sample.get(gt_field(task))
        if not isinstance(field, PixelData) or task not in model.tasks:
            continue
        adapter = model.tasks[task]
        values = field.sem_seg if 'sem_seg' in field else field.data
        if values.shape[-2:] != size:
            values = adapter.resize_label(values, size)
        setattr(sample, gt_field(task), sem_seg_data(values)
                if adapter.kind == CLASSES else PixelData(data=values))
    return sample


def _painted(image: Picture, task: str, kind: str, meta: Mapping[str, Any],
             value: Any, what: str) -> Picture:
    """A panel with what is said, or the label, of a task."""
    if kind != BOXES:
        if isinstance(value, Tensor):
            value = (sem_seg_data(value.argmax(1)) if kind == CLASSES
                     else PixelData(data=value[0]))
        painter: Any = PAINTERS.get(kind)
        painter = painter(meta.get(task) or {})
        painter.fit([value])
        image = painter.paint(image, value, 2.)
    return add_caption(image, f'{task}: {what}')


def _heat(image: Picture, strength: Tensor) -> Picture:
    full = cv2.resize(strength.numpy(), image.shape[1::-1],
                      interpolation=cv2.INTER_LINEAR)
    return blend_heat(image, full, 0.8)
