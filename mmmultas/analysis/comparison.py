"""Ground truth beside what several models say."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

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
            title: as_sample(
                {k: v for model in group
                 for k, v in model(image[..., ::-1])[0].items()})
            for title, group in groups.items()
        }
        pictures.append(visualizer.compare(image, truth, found, score_thr))
    return pictures


def as_sample(prediction: Mapping[str, Any]) -> DetDataSample:
    """An inferencer's prediction as the visualizer takes it."""
    sample = DetDataSample()
    if 'bboxes' in prediction:
        sample.pred_instances = InstanceData(
            bboxes=torch.from_numpy(prediction['bboxes']),
            scores=torch.from_numpy(prediction['scores']),
            labels=torch.from_numpy(prediction['labels']))
    if 'seg_map' in prediction:
        classes = torch.from_numpy(prediction['seg_map'].astype(np.int64))
        sample.pred_sem_seg = PixelData(sem_seg=classes[None])
    return sample
