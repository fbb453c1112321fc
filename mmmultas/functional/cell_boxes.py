"""Boxes told from the cells of a grid and from shapes (YOLO's coding).

Shape legend: ``A`` anchors, ``M`` boxes, ``S`` shapes; boxes are corners
``x1, y1, x2, y2`` in pixels unless a name says ``cxcywh``.
"""
from typing import NamedTuple

import torch
from torch import Tensor

from .boxes import cxcywh_to_xyxy, pairwise_iou, xyxy_to_cxcywh

__all__ = [
    'CellMatch', 'cell_anchors', 'cluster_shapes', 'decode_in_cells',
    'encode_in_cells', 'match_shapes', 'shape_iou'
]


def shape_iou(shapes_M2: Tensor, others_S2: Tensor) -> Tensor:
    """Overlap of widths and heights as if all shared a corner, (M, S).

    Example:
        >>> shape_iou(torch.tensor([[2., 2.]]), torch.tensor([[2., 1.]]))
        tensor([[0.5000]])
    """
    inter = torch.minimum(shapes_M2[:, None], others_S2[None]).prod(-1)
    union = shapes_M2.prod(-1)[:, None] + others_S2.prod(-1)[None] - inter
    return inter / union.clamp(min=torch.finfo(union.dtype).tiny)


def cluster_shapes(shapes_M2: Tensor,
                   centres_S2: Tensor,
                   max_steps: int = 1000) -> tuple[Tensor, Tensor]:
    """k-means of widths and heights by 1 - IoU (YOLOv2).

    Args:
        shapes_M2: Widths and heights of boxes.
        centres_S2: Where to begin.
        max_steps: Steps after which it stops, converged or not.

    Returns:
        Centres (S, 2) sorted by area, and the mean over the boxes of the
        overlap with the best of them.

    Example:
        >>> boxes = torch.tensor([[2., 2.], [2., 4.], [9., 9.]])
        >>> cluster_shapes(boxes, boxes[[0, 2]])
        (tensor([[2., 3.],
                [9., 9.]]), tensor(0.8056))
    """
    centres, last = centres_S2, None
    for _ in range(max_steps):
        nearest = shape_iou(shapes_M2, centres).argmax(1)
        if last is not None and torch.equal(nearest, last):
            break
        last = nearest
        centres = torch.stack([
            shapes_M2[nearest == s].mean(0) if (nearest == s).any() else
            centres[s] for s in range(len(centres))
        ])
    order = centres.prod(-1).argsort(stable=True)
    best = shape_iou(shapes_M2, centres).amax(1)
    return centres[order], best.mean()


def cell_anchors(shapes_S2: Tensor, featmap_size: tuple[int, int],
                 stride: int) -> Tensor:
    """Shapes at the centres of cells, in row, column, shape order.

    Args:
        shapes_S2: Widths and heights in pixels.
        featmap_size: Rows and columns of cells.
        stride: Pixels per cell.

    Returns:
        (rows * columns * S, 4) centre and size in pixels.

    Example:
        >>> cell_anchors(torch.tensor([[6., 3.]]), (1, 2), 8)
        tensor([[ 4.,  4.,  6.,  3.],
                [12.,  4.,  6.,  3.]])
    """
    rows, cols = featmap_size
    like = dict(device=shapes_S2.device, dtype=shapes_S2.dtype)
    ys = (torch.arange(rows, **like) + 0.5) * stride  # type: ignore
    xs = (torch.arange(cols, **like) + 0.5) * stride  # type: ignore
    y, x = torch.meshgrid(ys, xs, indexing='ij')
    centres = torch.stack([x, y], -1)[:, :, None]
    count = len(shapes_S2)
    return torch.cat([
        centres.expand(-1, -1, count, -1),
        shapes_S2.expand(rows, cols, count, 2)
    ], -1).reshape(-1, 4)


def encode_in_cells(anchors_cxcywh_A4: Tensor, boxes_A4: Tensor,
                    stride: int) -> Tensor:
    """Place in the anchor's cell, in [0, 1], and log of the size's factor.

    Args:
        anchors_cxcywh_A4: Anchors at cell centres, in pixels.
        boxes_A4: The box of each anchor.
        stride: Pixels per cell.

    Returns:
        (A, 4) x, y, log w, log h.

    Example:
        >>> anchor = torch.tensor([[8., 8., 4., 4.]])
        >>> encode_in_cells(anchor, torch.tensor([[2., 6., 6., 10.]]), 16)
        tensor([[0.2500, 0.5000, 0.0000, 0.0000]])
    """
    boxes = xyxy_to_cxcywh(boxes_A4)
    place = (boxes[:, :2] - anchors_cxcywh_A4[:, :2]) / stride + 0.5
    tiny = 1e-6
    factor = (boxes[:, 2:] / anchors_cxcywh_A4[:, 2:]).clamp(min=tiny).log()
    return torch.cat([place.clamp(tiny, 1 - tiny), factor], -1)


def decode_in_cells(anchors_cxcywh_A4: Tensor, raw_A4: Tensor,
                    stride: int) -> Tensor:
    """Corners of raw outputs; a sigmoid places them in their cell.

    Args:
        anchors_cxcywh_A4: Anchors at cell centres, in pixels.
        raw_A4: Raw x, y (before the sigmoid), log w, log h.
        stride: Pixels per cell.

    Example:
        >>> anchor = torch.tensor([[8., 8., 4., 6.]])
        >>> decode_in_cells(anchor, torch.zeros(1, 4), 16)
        tensor([[ 6.,  5., 10., 11.]])
    """
    place = (raw_A4[..., :2].sigmoid() - 0.5) * stride
    centre = anchors_cxcywh_A4[..., :2] + place
    size = anchors_cxcywh_A4[..., 2:] * raw_A4[..., 2:].exp()
    return cxcywh_to_xyxy(torch.cat([centre, size], -1))


class CellMatch(NamedTuple):
    """Who learns what in one image.

    Attributes:
        positive: (P,) indices of anchors that learn a box.
        box: (P,) the box that each learns.
        ignored: (A,) bool, anchors that are neither.
    """
    positive: Tensor
    box: Tensor
    ignored: Tensor


def match_shapes(anchors_cxcywh_BCA4: Tensor, boxes_M4: Tensor,
                 stride: int, columns: int,
                 threshold: float = 0.5) -> CellMatch:
    """Each box to the best shape of all branches, in its centre's cell.

    So a box is learnt by the branch of its scale alone. Where two boxes want
    one anchor the larger has it. Other anchors that overlap a box by more
    than ``threshold`` are not background (SPEC-INTERDEPENDENT 3).

    Args:
        anchors_cxcywh_BCA4: Anchors of B branches, C cells and S shapes per
            branch, (B, C, S, 4).
        boxes_M4: Boxes.
        stride: Pixels per cell.
        columns: Cells in a row.
        threshold: Overlap in place from which an anchor is ignored.

    Example:
        >>> shapes = torch.tensor([[[4., 4.]], [[16., 16.]]])
        >>> anchors = torch.stack(
        ...     [cell_anchors(s, (1, 2), 16).view(2, 1, 4) for s in shapes])
        >>> boxes = torch.tensor([[17., 2., 31., 15.], [2., 2., 7., 6.]])
        >>> match = match_shapes(anchors, boxes, 16, columns=2)
        >>> match.positive, match.box
        (tensor([0, 3]), tensor([1, 0]))
    """
    flat = anchors_cxcywh_BCA4.reshape(-1, 4)
    ignored = torch.zeros(len(flat), dtype=torch.bool, device=flat.device)
    index = torch.arange(0, device=flat.device)
    if not len(boxes_M4):
        return CellMatch(index, index, ignored)
    wanted = _wanted(anchors_cxcywh_BCA4, boxes_M4, stride, columns)
    area = xyxy_to_cxcywh(boxes_M4)[:, 2:].prod(-1)
    # the largest is written last
    order = area.argsort(stable=True)
    owner = wanted.new_full((len(flat), ), -1)
    for box in order.tolist():
        owner[wanted[box]] = box
    positive = (owner >= 0).nonzero().squeeze(1)
    overlap = pairwise_iou(cxcywh_to_xyxy(flat), boxes_M4).amax(1)
    ignored = overlap > threshold
    ignored[positive] = False
    return CellMatch(positive, owner[positive], ignored)


def _wanted(anchors_BCA4: Tensor, boxes_M4: Tensor, stride: int,
            columns: int) -> Tensor:
    """(M,) index of the anchor that each box wants."""
    _, cells, count, _ = anchors_BCA4.shape
    shapes = anchors_BCA4[:, 0, :, 2:].reshape(-1, 2)
    boxes = xyxy_to_cxcywh(boxes_M4)
    best = shape_iou(boxes[:, 2:], shapes).argmax(1)
    column, row = (boxes[:, :2] / stride).long().unbind(-1)
    column = column.clamp(0, columns - 1)
    row = row.clamp(0, cells // columns - 1)
    branch, shape = best // count, best % count
    return (branch * cells + row * columns + column) * count + shape
