"""Ground truth beside what several models say."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from numpy.typing import NDArray

from mmmultas.structures import pred_field
from mmmultas.utils.errors import ConfigError
from mmmultas.visualization.drawing import Picture
from mmmultas.visualization.visualizer import MultiTaskVisualizer

from mmmultas.apis.inferencer import MultiTaskInferencer
from .browse import shown_samples

__all__ = ['as_sample', 'compare_models']


def compare_models(cfg: Mapping[str, Any],
                   models: Mapping[str, Sequence[str | Path]],
                   number: int = 6,
                   score_thr: float = 0.5,
                   alpha: float = 0.5) -> list[Picture]:
    """Draw validation images: the truth, then a panel per entry.

    Args:
        cfg: Config whose first stream of ``val_dataloader`` is shown.
        models: Title → checkpoints whose predictions share a panel, for
            example a detector's and a segmenter's.
        number: Images.
        score_thr: Boxes below this score are not drawn.
        alpha: Opacity of the masks, in [0, 1].

    Returns:
        list: RGB pictures, one per image.

    Raises:
        ConfigError: The config has no stream for validation.
        CheckpointError: A checkpoint is missing or unsafe.
    """
    streams = {k: v for k, v in (cfg.get('val_dataloader') or {}).items() if v}
    if not streams:
        raise ConfigError('`val_dataloader` has no stream to show.')
    name, stream = next(iter(streams.items()))
    stream = dict(stream, num_workers=0, persistent_workers=False)
    groups = {
        title: [MultiTaskInferencer(path) for path in paths]
        for title, paths in models.items()
    }
    visualizer = MultiTaskVisualizer(
        'comparison', min_side=320, alpha=alpha)
    pictures = []
    for (meta, image, truth), _ in zip(
            shown_samples('val', name, stream), range(number)):
        visualizer.dataset_meta = meta
        found = {
            title: as_sample(_together([model(image[..., ::-1])[0]
                                        for model in group]))
            for title, group in groups.items()
        }
        pictures.append(visualizer.compare(image, truth, found, score_thr))
    return pictures


def _together(predictions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several networks say of one image, each of its own tasks."""
    joint: dict[str, Any] = {}
    for found in predictions:
        for key, value in found.items():
            further = key in ('maps', 'boxes')
            joint[key] = {**joint.get(key, {}), **value} if further else value
    return joint


def as_sample(prediction: Mapping[str, Any]) -> DetDataSample:
    """An inferencer's prediction as the visualizer takes it."""
    sample = DetDataSample()
    if 'bboxes' in prediction:
        sample.pred_instances = _instances(prediction)
    if 'seg_map' in prediction:
        sample.pred_sem_seg = _pixels(prediction['seg_map'])
    for task, found in prediction.get('boxes', {}).items():
        setattr(sample, pred_field(task), _instances(found))
    for task, values in prediction.get('maps', {}).items():
        setattr(sample, pred_field(task), _pixels(values))
    return sample


def _instances(found: Mapping[str, Any]) -> InstanceData:
    return InstanceData(**{
        key: torch.from_numpy(found[key])
        for key in ('bboxes', 'scores', 'labels')})


def _pixels(values: NDArray[Any]) -> PixelData:
    """(H, W) or (H, W, C); numbers of classes are sem_seg."""
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    if np.issubdtype(planes.dtype, np.integer):
        return PixelData(
            sem_seg=torch.from_numpy(planes.astype(np.int64)))
    return PixelData(data=torch.from_numpy(np.ascontiguousarray(planes)))
