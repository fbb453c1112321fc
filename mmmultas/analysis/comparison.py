"""Ground truth beside what several models say."""
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from numpy.typing import NDArray

from mmmultas.functional.dense import angles, unit_normals
from mmmultas.structures import (CLASSES, DEPTH, NORMALS, gt_field, kind_of,
                                 pred_field)
from mmmultas.utils.errors import ConfigError
from mmmultas.visualization.drawing import Picture
from mmmultas.visualization.visualizer import MultiTaskVisualizer

from mmmultas.apis.inferencer import MultiTaskInferencer
from .browse import shown_samples

__all__ = ['as_sample', 'compare_models', 'image_scores']


def compare_models(cfg: Mapping[str, Any],
                   models: Mapping[str, Sequence[str | Path]],
                   number: int = 6,
                   score_thr: float = 0.5,
                   alpha: float = 0.5,
                   scores: bool = False) -> list[Picture]:
    """Draw validation images: the truth, then a panel per entry.

    Args:
        cfg: Config whose first stream of ``val_dataloader`` is shown.
        models: Title → checkpoints whose predictions share a panel, for
            example a detector's and a segmenter's.
        number: Images.
        score_thr: Boxes below this score are not drawn.
        alpha: Opacity of the masks, in [0, 1].
        scores: Whether titles say how good a panel is: :func:`image_scores`.

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
        if scores:
            found = {' '.join([title, *(f'{task} {value:.3g}' for task, value
                                        in image_scores(truth, sample,
                                                        meta).items())]):
                     sample for title, sample in found.items()}
        pictures.append(visualizer.compare(image, truth, found, score_thr))
    return pictures


def image_scores(truth: DetDataSample, found: DetDataSample,
                 meta: Mapping[str, Any]) -> dict[str, float]:
    """How good the maps of one image are; a table's figures pool images.

    Args:
        truth: With the labels.
        found: With the predictions, of the same size.
        meta: Metainfo of the data set.

    Returns:
        dict: Task → mean IoU in per cent over the classes that are labelled
        or predicted, mean absolute error of depth, mean angle of normals in
        degrees. Tasks of other kinds are left out.
    """
    scores = {}
    for task in truth.metainfo.get('tasks', ()):
        judge = _JUDGES.get(kind_of(task, meta))
        if judge is None or pred_field(task) not in found:
            continue
        value = judge(truth.get(gt_field(task)), found.get(pred_field(task)))
        if value is not None:
            scores[task] = value
    return scores


def _mean_iou(truth: Any, found: Any) -> float | None:
    label, said = truth.sem_seg[0].long(), found.sem_seg[0].long()
    known = label != 255
    label, said = label[known], said[known]
    classes = torch.cat([label, said]).unique()
    shares = [((label == k) & (said == k)).sum() / (
        (label == k) | (said == k)).sum() for k in classes]
    return 100 * float(torch.stack(shares).mean()) if shares else None


def _mean_error(truth: Any, found: Any) -> float | None:
    known = truth.data > 0
    error = (found.data - truth.data).abs()[known]
    return float(error.mean()) if len(error) else None


def _mean_angle(truth: Any, found: Any) -> float | None:
    known = truth.data.abs().sum(0) > 0
    if not known.any():
        return None
    return float(angles(*(unit_normals(x.data[None].float())[0, :, known].T
                          for x in (found, truth))).mean())


_JUDGES: dict[str, Callable[[Any, Any], float | None]] = {
    CLASSES: _mean_iou, DEPTH: _mean_error, NORMALS: _mean_angle}


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
