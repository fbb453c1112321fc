"""Confusion matrices of label maps and boxes, and what is read from them.

Suffixes: ``K`` classes, ``H`` and ``W`` pixels, ``N`` detections, ``M``
ground-truth boxes. Rows are the truth, columns
the prediction. Images are added up before anything is divided.
"""
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .average_precision import voc_overlaps

__all__ = [
    'confusion_counts', 'detection_confusion', 'nearest_resize',
    'segmentation_scores'
]


def confusion_counts(prediction_HW: Tensor,
                     target_HW: Tensor,
                     num_classes: int,
                     ignore_index: int = 255) -> Tensor:
    """Count the pixels of every (truth, prediction) pair of classes.

    Args:
        prediction_HW: Predicted class of every pixel.
        target_HW: True class, or ``ignore_index`` for "does not count".
        num_classes: K.
        ignore_index: Value in the target that is left out.

    Returns:
        Tensor: (K, K) int64 on the prediction's device.

    Raises:
        ValueError: The sizes differ, or a value is not in [0, K).

    Example:
        >>> confusion_counts(torch.tensor([[0, 1, 1]]),
        ...                  torch.tensor([[0, 0, 255]]), 2).tolist()
        [[1, 1], [0, 0]]
    """
    if prediction_HW.shape != target_HW.shape:
        raise ValueError(
            f'prediction is {tuple(prediction_HW.shape)} but the truth '
            f'{tuple(target_HW.shape)}')
    target_HW = target_HW.to(prediction_HW.device)
    ignored = target_HW == ignore_index
    # Ignored pixels go to a bin of their own: faster than taking them out.
    prediction = prediction_HW.long().masked_fill(ignored, 0)
    target = target_HW.long().masked_fill(ignored, 0)
    for name, labels in (('prediction', prediction), ('truth', target)):
        low, high = map(int, labels.aminmax()) if labels.numel() else (0, 0)
        if low < 0 or high >= num_classes:
            raise ValueError(f'{name} has labels {low} to {high}, but there '
                             f'are {num_classes} classes')
    pairs = target.mul_(num_classes).add_(prediction)
    pairs.masked_fill_(ignored, num_classes**2)
    counts = torch.bincount(pairs.flatten(), minlength=num_classes**2 + 1)
    return counts[:-1].view(num_classes, num_classes)


def nearest_resize(labels_HW: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a label map to ``size`` (height, width) without new values.

    Takes pixel ``floor(i * H / h)``, as OpenCV's ``INTER_NEAREST`` does.

    Example:
        >>> nearest_resize(torch.tensor([[1, 2, 3, 4]]), (1, 2)).tolist()
        [[1, 3]]
    """
    rows, columns = (
        torch.arange(new, device=labels_HW.device) * old // new
        for new, old in zip(size, labels_HW.shape, strict=True))
    return labels_HW[rows][:, columns]


def segmentation_scores(
        counts_KK: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """IoU and accuracy of every class, and accuracy over all pixels.

    Returns:
        tuple: ``iou`` (K,), ``accuracy`` (K,) and the overall accuracy (),
        float64 in [0, 1]. nan where nothing can be said: IoU of a class that
        is neither in the truth nor predicted, accuracy of one that is not
        in the truth.

    Example:
        >>> iou, acc, overall = segmentation_scores(
        ...     torch.tensor([[3, 1], [0, 0]]))
        >>> iou.tolist(), overall.item()
        ([0.75, 0.0], 0.75)
    """
    counts_KK = counts_KK.double()
    hits, truth = counts_KK.diagonal(), counts_KK.sum(dim=1)
    union = truth + counts_KK.sum(dim=0) - hits
    return hits / union, hits / truth, hits.sum() / truth.sum()


def detection_confusion(boxes_N4: NDArray,
                        labels_N: NDArray,
                        gt_M4: NDArray,
                        gt_labels_M: NDArray,
                        ignored_M: NDArray,
                        num_classes: int,
                        iou_thr: float = 0.5) -> NDArray:
    """Count (truth, prediction) pairs of the boxes of one image.

    Pairs that overlap by more than ``iou_thr`` are made one to one, the
    largest overlap first, whatever the classes are. The last row counts
    detections of nothing, the last column boxes that were missed. Difficult
    boxes count nowhere, nor do detections of them.

    Args:
        boxes_N4: xyxy pixels; low scores are to be left out before.
        labels_N: In [0, K).
        gt_M4: xyxy pixels.
        gt_labels_M: In [0, K).
        ignored_M: bool, difficult boxes.
        num_classes: K.
        iou_thr: An overlap (VOC's, widths + 1) must be greater.

    Returns:
        Array: (K + 1, K + 1) int64.

    Example:
        >>> box = np.array([[0, 0, 9, 9]])
        >>> detection_confusion(box, np.array([1]), box, np.array([0]),
        ...                     np.array([False]), 2).tolist()
        [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    """
    counts = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    overlaps = voc_overlaps(boxes_N4, gt_M4)
    found, truth = np.nonzero(overlaps > iou_thr)
    order = np.argsort(-overlaps[found, truth], kind='stable')
    partner_N = np.full(len(labels_N), -1)
    free_M = np.ones(len(gt_labels_M), bool)
    for row, column in zip(found[order], truth[order]):
        if partner_N[row] < 0 and free_M[column]:
            partner_N[row] = column
            # any number of detections may look at a difficult box
            free_M[column] = ignored_M[column]
    for label, partner in zip(labels_N, partner_N):
        if partner < 0:
            counts[num_classes, label] += 1
        elif not ignored_M[partner]:
            counts[gt_labels_M[partner], label] += 1
    missed = free_M & ~np.asarray(ignored_M, bool)
    np.add.at(counts, (np.asarray(gt_labels_M, int)[missed], num_classes), 1)
    return counts
