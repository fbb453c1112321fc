"""Boxes and anchors as plain tensors.

Shape legend: ``A`` anchors, ``M`` ground-truth boxes, ``4`` corners
``x1, y1, x2, y2`` unless a name says ``cxcywh``. Units are pixels unless a
docstring says otherwise.
"""
import math

import torch
from torch import Tensor

__all__ = [
    'anchor_shapes', 'cxcywh_to_xyxy', 'decode_boxes', 'encode_boxes',
    'grid_anchors', 'pairwise_cover', 'pairwise_iou', 'xyxy_to_cxcywh'
]


def xyxy_to_cxcywh(boxes_A4: Tensor) -> Tensor:
    """Turn corners into centre and size.

    Example:
        >>> xyxy_to_cxcywh(torch.tensor([[0., 0., 4., 2.]]))
        tensor([[2., 1., 4., 2.]])
    """
    low, high = boxes_A4[..., :2], boxes_A4[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def cxcywh_to_xyxy(boxes_A4: Tensor) -> Tensor:
    """Turn centre and size into corners.

    Example:
        >>> cxcywh_to_xyxy(torch.tensor([[2., 1., 4., 2.]]))
        tensor([[0., 0., 4., 2.]])
    """
    centre, half = boxes_A4[..., :2], boxes_A4[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def pairwise_iou(boxes_A4: Tensor, others_M4: Tensor) -> Tensor:
    """Intersection over union of every pair, shape (A, M), in [0, 1].

    Continuous coordinates: a box of corners 0 and 4 is 4 wide. A pair of
    empty boxes has overlap 0.

    Example:
        >>> a = torch.tensor([[0., 0., 2., 2.]])
        >>> pairwise_iou(a, torch.tensor([[0., 0., 2., 1.]]))
        tensor([[0.5000]])
    """
    inter = _intersections(boxes_A4, others_M4)
    area = (boxes_A4[:, 2:] - boxes_A4[:, :2]).prod(-1)
    area_others = (others_M4[:, 2:] - others_M4[:, :2]).prod(-1)
    union = area[:, None] + area_others[None] - inter
    return inter / union.clamp(min=torch.finfo(union.dtype).tiny)


def pairwise_cover(boxes_A4: Tensor, others_M4: Tensor) -> Tensor:
    """Share of each box that lies in each other, shape (A, M), in [0, 1].

    Intersection over the area of the first, as COCO judges detections in
    crowds. An empty box has 0.

    Example:
        >>> a = torch.tensor([[0., 0., 2., 2.]])
        >>> pairwise_cover(a, torch.tensor([[0., 0., 9., 1.]]))
        tensor([[0.5000]])
    """
    inter = _intersections(boxes_A4, others_M4)
    area = (boxes_A4[:, 2:] - boxes_A4[:, :2]).prod(-1)[:, None]
    return inter / area.clamp(min=torch.finfo(area.dtype).tiny)


def _intersections(boxes_A4: Tensor, others_M4: Tensor) -> Tensor:
    """Area that every pair shares, (A, M)."""
    low = torch.maximum(boxes_A4[:, None, :2], others_M4[None, :, :2])
    high = torch.minimum(boxes_A4[:, None, 2:], others_M4[None, :, 2:])
    return (high - low).clamp(min=0).prod(-1)


def anchor_shapes(base_size: float, scales: tuple[float, ...],
                  ratios: tuple[float, ...]) -> Tensor:
    """Widths and heights of one level's anchors, scales outermost.

    A ratio r is width over height at constant area (SPEC 3).

    Returns:
        (len(scales) * len(ratios), 2) pixels.

    Example:
        >>> anchor_shapes(24, (1.,), (1., 4.))
        tensor([[24., 24.],
                [48., 12.]])
    """
    sizes = [(base_size * scale * math.sqrt(ratio),
              base_size * scale / math.sqrt(ratio)) for scale in scales
             for ratio in ratios]
    return torch.tensor(sizes)


def grid_anchors(shapes_S2: Tensor, featmap_size: tuple[int, int],
                 stride: int, image_size: tuple[int, int]) -> Tensor:
    """One level's anchors in row, column, shape order.

    Centres lie at (i + 1/2) * stride. Centre and side are limited to the
    image (SPEC 3: a side longer than the image is cut to it); corners are
    not clipped, so anchors may leave the image.

    Args:
        shapes_S2: Widths and heights of :func:`anchor_shapes`.
        featmap_size: (rows, columns) of the level.
        stride: Pixels per step of the level.
        image_size: (height, width) of the input in pixels.

    Returns:
        (rows * columns * S, 4) centre, size in pixels.

    Example:
        >>> grid_anchors(torch.tensor([[6., 3.]]), (1, 2), 8, (8, 16))
        tensor([[ 4.,  4.,  6.,  3.],
                [12.,  4.,  6.,  3.]])
    """
    rows, cols = featmap_size
    height, width = image_size
    device, dtype = shapes_S2.device, shapes_S2.dtype
    ys = (torch.arange(rows, device=device, dtype=dtype) + 0.5) * stride
    xs = (torch.arange(cols, device=device, dtype=dtype) + 0.5) * stride
    grid = torch.stack(
        torch.meshgrid(
            ys.clamp(max=height), xs.clamp(max=width), indexing='ij'), -1)
    limit = shapes_S2.new_tensor([width, height])
    shapes = torch.minimum(shapes_S2, limit)
    count = len(shapes)
    centres = grid.flip(-1)[:, :, None].expand(-1, -1, count, -1)
    sizes = shapes.expand(rows, cols, count, 2)
    return torch.cat([centres, sizes], -1).reshape(-1, 4)


def encode_boxes(anchors_A4: Tensor, boxes_A4: Tensor,
                 stds: tuple[float, float] = (0.1, 0.2)) -> Tensor:
    """Regression targets of boxes against anchors (SPEC 3).

    Args:
        anchors_A4: Anchors, corners.
        boxes_A4: The box of each anchor, corners, in the anchors' unit.
        stds: Divisors of centre offset and of log size.

    Returns:
        (A, 4): centre offset over (0.1 * size), log size over 0.2.

    Example:
        >>> anchor = torch.tensor([[0., 0., 10., 10.]])
        >>> encode_boxes(anchor, torch.tensor([[1., 0., 11., 10.]]))
        tensor([[1., 0., 0., 0.]])
    """
    anchors, boxes = xyxy_to_cxcywh(anchors_A4), xyxy_to_cxcywh(boxes_A4)
    offset = (boxes[:, :2] - anchors[:, :2]) / (anchors[:, 2:] * stds[0])
    # a degenerate box would give -inf; datasets refuse it, crops may not
    size = (boxes[:, 2:] / anchors[:, 2:]).clamp(min=1e-6).log() / stds[1]
    return torch.cat([offset, size], dim=-1)


def decode_boxes(anchors_A4: Tensor,
                 deltas_A4: Tensor,
                 stds: tuple[float, float] = (0.1, 0.2)) -> Tensor:
    """Invert :func:`encode_boxes`; nothing is clamped.

    Example:
        >>> anchors = torch.tensor([[0., 0., 4., 4.]])
        >>> decode_boxes(anchors, torch.zeros(1, 4))
        tensor([[0., 0., 4., 4.]])
    """
    anchors = xyxy_to_cxcywh(anchors_A4)
    centre = anchors[..., :2] + deltas_A4[..., :2] * stds[0] * anchors[..., 2:]
    size = anchors[..., 2:] * (deltas_A4[..., 2:] * stds[1]).exp()
    return cxcywh_to_xyxy(torch.cat([centre, size], dim=-1))
