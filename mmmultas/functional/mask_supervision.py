"""What a mask of classes says about the boxes of an image.

A *blob* is a connected part of one class: a row ``x1, y1, x2, y2, area,
class`` in pixels, its ends exclusive. Everything is of one image
(docs/weak_losses.md).

Shape legend: ``A`` anchors, ``C`` classes, ``B`` blobs, ``D`` detections,
``H`` by ``W`` pixels.
"""
import torch
from torch import Tensor

from .boxes import pairwise_iou

__all__ = ['class_cover', 'filling_rates', 'kept_blobs', 'refined_blobs',
           'uncertain_entries']

#: How a blob became a box, in :func:`refined_blobs`.
USED, SPLIT, MERGED = 0, 1, 2


def class_cover(mask_HW: Tensor, boxes_A4: Tensor,
                classes_C: Tensor) -> Tensor:
    """Share of each box that each class covers, (A, C) float32.

    Boxes are cut to the image and their ends rounded, half to even; a box
    that has no pixel left has 0.

    Args:
        mask_HW: Class of every pixel.
        boxes_A4: Corners in pixels.
        classes_C: Classes that are looked for.

    Example:
        >>> mask = torch.tensor([[0, 1], [1, 1]])
        >>> class_cover(mask, torch.tensor([[0., 0., 2., 2.]]),
        ...             torch.tensor([1]))
        tensor([[0.7500]])
    """
    height, width = mask_HW.shape
    # most classes are not there
    counts = torch.bincount(mask_HW.flatten().long(), minlength=256)
    there = (classes_C >= 0) & (counts[classes_C.clamp(min=0)] > 0)
    cover = boxes_A4.new_zeros((len(boxes_A4), len(classes_C)),
                               dtype=torch.float32)
    if not there.any():
        return cover
    planes = (mask_HW == classes_C[there, None, None]).int()
    sums = planes.new_zeros((len(planes), height + 1, width + 1))
    sums[:, 1:, 1:] = planes.cumsum(1, dtype=torch.int32).cumsum(
        2, dtype=torch.int32)
    limit = boxes_A4.new_tensor([width, height] * 2)
    ends = torch.minimum(boxes_A4.clamp(min=0), limit).round().long()
    x1, y1, x2, y2 = ends.unbind(1)
    inside = (sums[:, y2, x2] - sums[:, y1, x2] - sums[:, y2, x1]
              + sums[:, y1, x1])
    areas = (x2 - x1).clamp(min=0) * (y2 - y1).clamp(min=0)
    inside = inside.masked_fill(areas == 0, 0)
    cover[:, there] = (inside.float() / areas.clamp(min=1)).T
    return cover


def kept_blobs(blobs_B6: Tensor, min_area: float, rel: float) -> Tensor:
    """Blobs that stand for an object, (B,) bool.

    Occluders split objects far more often than neighbours merge: parts that
    are small beside the largest of their class are left out. A class whose
    blobs are all small keeps them.

    Args:
        blobs_B6: Blobs.
        min_area: Pixels.
        rel: Share of the largest blob of the class.

    Example:
        >>> blobs = torch.tensor([[0, 0, 9, 9, 80, 1], [9, 9, 11, 11, 4, 1],
        ...                       [20, 20, 22, 22, 4, 2]])
        >>> kept_blobs(blobs, 10, .25)
        tensor([ True, False,  True])
    """
    area, label = blobs_B6[:, 4], blobs_B6[:, 5]
    same_BB = label[:, None] == label
    largest = (area * same_BB).amax(1) if len(area) else area
    small = area < min_area
    return ~(small & (largest >= min_area)) & (area >= rel * largest)


def uncertain_entries(cover_AC: Tensor,
                      anchors_A4: Tensor,
                      left_out_B4: Tensor,
                      labels_B: Tensor,
                      share: float = .35,
                      iou: float = .4) -> Tensor:
    """Anchors that may show an object of a class which has no box, (A, C).

    Where such an entry is not positive it takes no part; all others are
    negatives, surely so where an anchor has no pixel of the class.

    Args:
        cover_AC: Share of each anchor that each class covers.
        anchors_A4: Corners in pixels.
        left_out_B4: Boxes of blobs that stand for no object.
        labels_B: Their columns in ``cover_AC``.
        share: From this cover on.
        iou: From this overlap with a blob that was left out on.

    Example:
        >>> uncertain_entries(torch.tensor([[.5, 0.]]), torch.zeros(1, 4),
        ...                   torch.zeros(0, 4), torch.zeros(0).long())
        tensor([[ True, False]])
    """
    uncertain = cover_AC >= share
    if len(left_out_B4):
        near = pairwise_iou(anchors_A4, left_out_B4.to(anchors_A4)) >= iou
        hits = torch.zeros_like(cover_AC).index_add_(
            1, labels_B, near.to(cover_AC))
        uncertain |= hits > 0
    return uncertain


def filling_rates(sums_C: Tensor, counts_C: Tensor,
                  prior: float = 10) -> Tensor:
    """Share of its box that an object of each class fills, (C,).

    The mean over blobs; rare classes lean on the mean of all.

    Args:
        sums_C: Sum of area / area of the box over the blobs of a class.
        counts_C: Number of blobs.
        prior: Blobs that the mean of all counts for.

    Example:
        >>> filling_rates(torch.tensor([6., 0.]), torch.tensor([10., 0.]))
        tensor([0.6000, 0.6000])
    """
    mean = sums_C.sum() / counts_C.sum().clamp(min=1)
    return (sums_C + prior * mean) / (counts_C + prior)


def refined_blobs(ids_HW: Tensor, blobs_B6: Tensor, boxes_D4: Tensor,
                  labels_D: Tensor) -> Tensor:
    """Blobs split, merged or used as they are, by detections.

    A detection that holds 80 % of each of several blobs and overlaps their
    common box by half merges them. Two or more that have half of their
    pixels of the class in a blob, are not simply its box (IoU below 0.7),
    and cover 70 % of it together split it: each pixel goes to the detection
    whose centre is nearest, measured in half sides.

    Args:
        ids_HW: Number of each pixel's blob plus 1, 0 for none.
        blobs_B6: Blobs, those of a class together.
        boxes_D4: Detections that are sure, best first, in pixels.
        labels_D: Their pixel classes.

    Returns:
        (n, 6): x1, y1, x2, y2, class, and how: 0 used, 1 split, 2 merged.

    Example:
        >>> ids = torch.tensor([[1, 1, 1, 1]])
        >>> blobs = torch.tensor([[0, 0, 4, 1, 4, 3]])
        >>> dets = torch.tensor([[0., 0., 2., 1.], [2., 0., 4., 1.]])
        >>> refined_blobs(ids, blobs, dets, torch.tensor([3, 3])).tolist()
        [[0, 0, 2, 1, 3, 1], [2, 0, 4, 1, 3, 1]]
    """
    rows = []
    done = torch.zeros(len(blobs_B6), dtype=torch.bool,
                       device=blobs_B6.device)
    held_DB = _pixels_held(ids_HW, len(blobs_B6), boxes_D4)
    held_DB = held_DB * (labels_D[:, None] == blobs_B6[:, 5])
    for held, box in zip(held_DB, boxes_D4):
        several = (held >= .8 * blobs_B6[:, 4]) & ~done & (held > 0)
        if several.sum() < 2:
            continue
        parts = blobs_B6[several, :4]
        union = torch.cat([parts[:, :2].amin(0), parts[:, 2:].amax(0)])
        if pairwise_iou(box[None], union[None].to(box)) >= .5:
            done |= several
            first = int(several.nonzero()[0])
            rows.append((first, [*union.tolist(), int(blobs_B6[first, 5]),
                                 MERGED]))
    for b in (~done).nonzero().flatten().tolist():
        blob = blobs_B6[b]
        label = int(blob[5])
        groups = _split(ids_HW == b + 1, blob, boxes_D4, held_DB, b)
        rows += [(b, [*group, label, SPLIT]) for group in groups]
        if not groups:
            rows.append((b, [*blob[:4].tolist(), label, USED]))
    found = [row for _, row in sorted(rows, key=lambda row: row[0])]
    return blobs_B6.new_tensor(found).reshape(-1, 6)


def _pixels_held(ids_HW: Tensor, count: int, boxes_D4: Tensor) -> Tensor:
    """Pixels of each blob in each box, (D, B), by their centres."""
    held = torch.zeros(len(boxes_D4), count, device=ids_HW.device)
    for row, inside in zip(held, _inside(ids_HW, boxes_D4)):
        row[:] = torch.bincount(ids_HW[inside].long(),
                                minlength=count + 1)[1:].to(row)
    return held


def _inside(ids_HW: Tensor, boxes_D4: Tensor) -> Tensor:
    height, width = ids_HW.shape
    x = torch.arange(width, device=ids_HW.device) + .5
    y = torch.arange(height, device=ids_HW.device) + .5
    left, top, right, bottom = boxes_D4[..., None].unbind(1)
    return (((y >= top) & (y < bottom))[:, :, None]
            & ((x >= left) & (x < right))[:, None])


def _split(blob_HW: Tensor, blob: Tensor, boxes_D4: Tensor, held_DB: Tensor,
           b: int) -> list[list[int]]:
    """Tight boxes of the parts of a blob; none where it is one object."""
    held = held_DB[:, b]
    own = (held >= .5 * held_DB.sum(1)) & (held > 0)
    overlap = pairwise_iou(boxes_D4, blob[None, :4].to(boxes_D4))[:, 0]
    parts = boxes_D4[own & (overlap < .7)]
    if len(parts) < 2:
        return []
    covered = (_inside(blob_HW, parts).any(0) & blob_HW).sum()
    if covered < .7 * blob[4]:
        return []
    ys, xs = blob_HW.nonzero().unbind(1)
    centre, size = (parts[:, :2] + parts[:, 2:]) / 2, (parts[:, 2:] -
                                                       parts[:, :2])
    away = torch.maximum(
        (xs + .5 - centre[:, :1]).abs() / size[:, :1],
        (ys + .5 - centre[:, 1:]).abs() / size[:, 1:])
    nearest = away.argmin(0)
    return [[int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
            for x, y in ((xs[nearest == d], ys[nearest == d])
                         for d in range(len(parts))) if len(x)]
