"""Precision over recall of each class, from the files of a test."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from numpy.typing import NDArray

from mmmultas.functional.average_precision import (match_detections, mark_hits,
                                                   precision_recall)
from mmmultas.utils.errors import ConfigError

from .saved_predictions import SavedPredictions, labelled_samples

__all__ = ['boxes_of', 'pr_curves']


def boxes_of(
        sample: DetDataSample) -> tuple[NDArray, NDArray, NDArray[np.bool_]]:
    """All annotated boxes of an image, the difficult ones last.

    Returns:
        tuple: xyxy pixels (M, 4) float32, labels (M,) int64, and (M,) bool:
        which are difficult.
    """
    parts = [sample.gt_instances]
    if 'ignored_instances' in sample:
        parts.append(sample.ignored_instances)
    return (np.concatenate([part.bboxes.numpy() for part in parts]),
            np.concatenate([part.labels.numpy() for part in parts]),
            np.repeat([False, True][:len(parts)], [len(p) for p in parts]))


def pr_curves(cfg: Mapping[str, Any],
              predictions: SavedPredictions,
              iou_thr: float = 0.5,
              task: str | None = None
              ) -> dict[str, tuple[NDArray, NDArray]]:
    """Recall and precision after each detection, class by class.

    They are those of :class:`VOCDetMetric`, with difficult boxes left out:
    ``average_precision`` of the same hits is its AP.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote by ``--out``.
        iou_thr: A box must overlap by more to be a hit.
        task: Of kind boxes; None where there is one alone.

    Returns:
        dict: Name of the class to recall (R,) and precision (R,), float64 in
        [0, 1], best score first; R counts its detections without those of
        difficult boxes and crowds. Classes without ground truth are not in it.

    Raises:
        ConfigError: No boxes are given, the data do not carry any, or the
            threshold is out of range.
        DataError: Predictions are missing or of other classes.
    """
    if not 0 <= iou_thr < 1:
        raise ConfigError(f'An IoU threshold lies in [0, 1), not {iou_thr}.')
    _, _, names, samples = labelled_samples(cfg, predictions, task)
    rows: list[tuple[NDArray, ...]] = []
    num_gt = np.zeros(len(names), np.int64)
    first = 0  # number of the image's first box in the data set
    for sample in samples:
        boxes, labels, ignored = boxes_of(sample)
        found = sample.pred_instances
        overlaps, partners, covers = match_detections(
            found.bboxes.numpy(), found.labels.numpy(), boxes, labels,
            ignored & sample.metainfo.get('crowds', False))
        hard = np.append(ignored, False)[partners]  # -1, no partner: False
        rows.append((found.labels.numpy(), found.scores.numpy(), overlaps,
                     np.where(partners < 0, -1, partners + first), hard,
                     covers))
        num_gt += np.bincount(labels[~ignored], minlength=len(names))
        first += len(boxes)
    columns = [np.concatenate(column) for column in zip(*rows)]
    return {
        name: _curve([values[columns[0] == label] for values in columns[1:]],
                     int(num_gt[label]), iou_thr)
        for label, name in enumerate(names) if num_gt[label]
    }


def _curve(columns: list[NDArray], num_gt: int,
           iou_thr: float) -> tuple[NDArray, NDArray]:
    order = np.argsort(-columns[0], kind='stable')
    _, overlaps, gt_ids, hard, covers = (values[order] for values in columns)
    tp, fp = mark_hits(overlaps, gt_ids, hard, np.array([iou_thr]), covers)
    counted = (tp | fp)[0]
    precision, recall = precision_recall(tp[:, counted], fp[:, counted],
                                         num_gt)
    return recall[0], precision[0]
