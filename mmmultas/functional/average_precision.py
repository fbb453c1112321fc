"""Average precision as PASCAL VOC defines it, for many thresholds at once.

Suffixes: ``N`` detections, ``M`` ground-truth boxes, ``T`` IoU thresholds.
Boxes are xyxy in pixels, both corners inside the box, so that widths and
heights are ``x2 - x1 + 1``; the offset of the coordinates does not matter.

Source: the VOC development kit (``VOCevaldet.m``). A detection looks at the
ground truth that it overlaps most, of its class and image, whatever has been
matched before. So the partner of a detection does not depend on the
threshold, and all thresholds share one table of overlaps.
"""
import numpy as np
from numpy.typing import NDArray

__all__ = [
    'average_precision', 'best_overlaps', 'crowd_covers', 'detection_ap',
    'mark_hits', 'match_detections', 'precision_recall', 'voc_overlaps'
]

Array = NDArray


def voc_overlaps(boxes_N4: Array, gt_M4: Array) -> Array:
    """IoU of every detection with every ground truth, widths + 1.

    Returns:
        Array: (N, M) float64 in [0, 1].

    Example:
        >>> voc_overlaps(np.array([[0, 0, 9, 9]]), np.array([[0, 5, 9, 9]]))
        array([[0.5]])
    """
    inter, area_N, area_M = _areas(boxes_N4, gt_M4)
    return inter / (area_N[:, None] + area_M[None] - inter)


def _areas(boxes_N4: Array, gt_M4: Array) -> tuple[Array, Array, Array]:
    """Area that every pair shares, (N, M), and those of each side."""
    boxes_N4 = np.asarray(boxes_N4, np.float64).reshape(-1, 4)
    gt_M4 = np.asarray(gt_M4, np.float64).reshape(-1, 4)
    upper = np.minimum(boxes_N4[:, None, 2:], gt_M4[None, :, 2:])
    lower = np.maximum(boxes_N4[:, None, :2], gt_M4[None, :, :2])
    inter = np.prod(np.maximum(upper - lower + 1, 0), axis=-1)
    area_N = np.prod(boxes_N4[:, 2:] - boxes_N4[:, :2] + 1, axis=-1)
    area_M = np.prod(gt_M4[:, 2:] - gt_M4[:, :2] + 1, axis=-1)
    return inter, area_N, area_M


def crowd_covers(boxes_N4: Array, labels_N: Array, crowds_M4: Array,
                 crowd_labels_M: Array) -> Array:
    """Share of each detection that lies in a crowd of its class.

    Intersection over the detection's area, as COCO judges crowds; widths + 1.

    Returns:
        Array: (N,) float64 in [0, 1]; 0 without a crowd.

    Example:
        >>> crowd_covers(np.array([[0, 0, 9, 9]]), np.array([3]),
        ...              np.array([[0, 5, 99, 99]]), np.array([3]))
        array([0.5])
    """
    if not len(labels_N) or not len(crowd_labels_M):
        return np.zeros(len(labels_N))
    inter, area_N, _ = _areas(boxes_N4, crowds_M4)
    same = np.asarray(labels_N)[:, None] == np.asarray(crowd_labels_M)[None]
    covers: Array = np.where(same, inter / area_N[:, None], 0.0).max(axis=1)
    return covers


def best_overlaps(boxes_N4: Array, labels_N: Array, gt_M4: Array,
                  gt_labels_M: Array) -> tuple[Array, Array]:
    """Partner of every detection of one image among the boxes of its class.

    Returns:
        tuple: Overlap (N,) float64, 0 without a partner, and the partner's
        index (N,) int64, -1 without one. Of equal overlaps the first counts.

    Example:
        >>> box = np.array([[0, 0, 9, 9]])
        >>> best_overlaps(box, np.array([3]), box, np.array([3]))
        (array([1.]), array([0]))
        >>> best_overlaps(box, np.array([3]), box, np.array([4]))
        (array([0.]), array([-1]))
    """
    count = len(labels_N)
    if count == 0 or len(gt_labels_M) == 0:
        return np.zeros(count), np.full(count, -1)
    same = np.asarray(labels_N)[:, None] == np.asarray(gt_labels_M)[None]
    overlaps = np.where(same, voc_overlaps(boxes_N4, gt_M4), -1.0)
    partner = overlaps.argmax(axis=1)
    best = overlaps[np.arange(count), partner]
    return np.maximum(best, 0.0), np.where(best < 0, -1, partner)


def match_detections(boxes_N4: Array, labels_N: Array, gt_M4: Array,
                     gt_labels_M: Array,
                     crowd_M: Array) -> tuple[Array, Array, Array]:
    """Partners as by :func:`best_overlaps`, and covers by crowds.

    Args:
        boxes_N4: Detections of one image.
        labels_N: Their classes.
        gt_M4: Boxes of the image.
        gt_labels_M: Their classes.
        crowd_M: bool, boxes that are COCO's crowds: they are no partners.

    Returns:
        tuple: Overlap and partner of each detection, and the share of it
        that lies in a crowd (:func:`crowd_covers`), each (N,).

    Example:
        >>> box = np.array([[0, 0, 9, 9]])
        >>> match_detections(box, np.array([3]), box, np.array([3]),
        ...                  np.array([True]))
        (array([0.]), array([-1]), array([1.]))
    """
    crowd_M = np.asarray(crowd_M, bool)
    gt_M4 = np.asarray(gt_M4).reshape(-1, 4)
    gt_labels_M = np.asarray(gt_labels_M)
    # no detection is of class -1
    overlaps, partners = best_overlaps(boxes_N4, labels_N, gt_M4,
                                       np.where(crowd_M, -1, gt_labels_M))
    covers = crowd_covers(boxes_N4, labels_N, gt_M4[crowd_M],
                          gt_labels_M[crowd_M])
    return overlaps, partners, covers


def mark_hits(overlaps_N: Array,
              gt_ids_N: Array,
              ignored_N: Array,
              iou_thrs_T: Array,
              covers_N: Array | None = None) -> tuple[Array, Array]:
    """True and false positives of one class, best score first.

    Args:
        overlaps_N: Overlap with the partner.
        gt_ids_N: The partner's number, unique over the data set; -1: none.
        ignored_N: bool, the partner is a difficult box.
        iou_thrs_T: Thresholds; an overlap must be strictly greater.
        covers_N: Share that lies in a crowd, see :func:`crowd_covers`.

    Returns:
        tuple: ``tp`` and ``fp``, (T, N) bool; a detection of a difficult box
        is neither, nor is one that hits nothing else and lies in a crowd.

    Example:
        >>> tp, fp = mark_hits(
        ...     np.array([.9, .8]), np.array([0, 0]), np.zeros(2, bool),
        ...     np.array([.5]))
        >>> tp.tolist(), fp.tolist()
        ([[True, False]], [[False, True]])
    """
    gt_ids_N = np.asarray(gt_ids_N, np.int64)
    near = np.asarray(overlaps_N)[None] > np.asarray(iou_thrs_T)[:, None]
    near &= gt_ids_N[None] >= 0
    valid = near & ~np.asarray(ignored_N, bool)[None]
    tp = np.zeros_like(near)
    row, column = np.nonzero(valid)  # row-major: best score first per row
    if len(row):
        span = int(gt_ids_N.max()) + 1
        first = np.unique(row * span + gt_ids_N[column],
                          return_index=True)[1]
        tp[row[first], column[first]] = True
    fp = ~near | (valid & ~tp)
    if covers_N is not None:
        fp &= np.asarray(covers_N)[None] <= np.asarray(iou_thrs_T)[:, None]
    return tp, fp


def precision_recall(tp_TN: Array, fp_TN: Array,
                     num_gt: int) -> tuple[Array, Array]:
    """Precision and recall after each detection of one class.

    Args:
        tp_TN: True positives, best score first.
        fp_TN: False positives, in the same order.
        num_gt: Number of ground-truth boxes that are not difficult.

    Returns:
        tuple: Precision and recall, (T, N) float64 in [0, 1]; nan where
        ``num_gt`` is 0.

    Example:
        >>> hit, miss = np.array([[1, 0]]), np.array([[0, 1]])
        >>> precision_recall(hit, miss, num_gt=2)
        (array([[1. , 0.5]]), array([[0.5, 0.5]]))
    """
    tp_TN = np.cumsum(tp_TN, axis=1, dtype=np.float64)
    fp_TN = np.cumsum(fp_TN, axis=1, dtype=np.float64)
    if num_gt == 0:
        return np.full_like(tp_TN, np.nan), np.full_like(tp_TN, np.nan)
    return tp_TN / np.maximum(tp_TN + fp_TN, 1), tp_TN / num_gt


def average_precision(tp_TN: Array,
                      fp_TN: Array,
                      num_gt: int,
                      mode: str = 'area') -> Array:
    """Area under the precision-recall curves of one class.

    Args:
        tp_TN: True positives, best score first.
        fp_TN: False positives, in the same order.
        num_gt: Number of ground-truth boxes that are not difficult.
        mode: ``'area'`` (VOC2010 and later) or ``'11points'`` (VOC2007).

    Returns:
        Array: (T,) float64 in [0, 1]; nan where ``num_gt`` is 0.

    Raises:
        ValueError: ``mode`` is unknown.

    Example:
        >>> hit, miss = np.array([[1, 0]]), np.array([[0, 1]])
        >>> average_precision(hit, miss, num_gt=2)
        array([0.5])
    """
    if mode not in ('area', '11points'):
        raise ValueError(f"mode must be 'area' or '11points', not {mode!r}")
    if num_gt == 0:
        return np.full(len(tp_TN), np.nan)
    precision, recall = precision_recall(tp_TN, fp_TN, num_gt)
    zeros = np.zeros((len(tp_TN), 1))
    # The best precision at this recall or any higher one.
    envelope = np.hstack((precision, zeros))
    envelope = np.maximum.accumulate(envelope[:, ::-1], axis=1)[:, ::-1]
    if mode == 'area':
        steps = np.diff(np.hstack((zeros, recall)), axis=1)
        return (steps * envelope[:, :-1]).sum(axis=1)
    # Floats of the published implementations: 0.30000000000000004 > 3 / 10.
    points = np.arange(0., 1.1, 0.1)
    place = (recall[:, None] < points[None, :, None]).sum(axis=-1)
    return np.take_along_axis(envelope, place, axis=1).mean(axis=1)


def detection_ap(scores_N: Array,
                 overlaps_N: Array,
                 gt_ids_N: Array,
                 ignored_N: Array,
                 num_gt: int,
                 iou_thrs_T: Array,
                 mode: str = 'area',
                 covers_N: Array | None = None) -> Array:
    """AP of one class over a data set, from the partners of its detections.

    Arguments as in :func:`mark_hits` and :func:`average_precision`, in any
    order; equal scores keep the order that they come in.

    Returns:
        Array: (T,) float64 in [0, 1]; nan where ``num_gt`` is 0.

    Example:
        >>> detection_ap(
        ...     np.array([.2, .9]), np.array([.9, .1]), np.array([0, 0]),
        ...     np.zeros(2, bool), 1, np.array([.5, .95]))
        array([0.5, 0. ])
    """
    order = np.argsort(-np.asarray(scores_N), kind='stable')
    tp_TN, fp_TN = mark_hits(
        np.asarray(overlaps_N)[order],
        np.asarray(gt_ids_N)[order],
        np.asarray(ignored_N)[order], iou_thrs_T,
        None if covers_N is None else np.asarray(covers_N)[order])
    return average_precision(tp_TN, fp_TN, num_gt, mode)
