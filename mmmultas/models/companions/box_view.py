"""What the boxes of one image say about its cells."""
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

from mmmultas.functional.box_supervision import (allowed_classes, box_cells,
                                                 cut_sides)
from mmmultas.structures import DET, annotated_for, asked_boxes

from .label_spaces import NO_CLASS, Pair
from .pixels import STRIDE, seen_cells, visible_part

__all__ = ['BoxView', 'box_view']


@dataclass(frozen=True)
class BoxView:
    """Boxes of one image, in cells of four pixels.

    Attributes:
        boxes: (M, 4) corners in pixels of the whole boxes.
        labels: (M,) their pixel classes.
        cells: (M, h, w) bool, cells of each.
        cut: (M, 2) bool, cut by a crop left or right, above or below.
        free: (K,) bool, pixel classes that no box would announce.
        allowed: (K, h, w) bool, pixel classes that each cell may show.
        unsure: (h, w) bool, cells under boxes that are lost or ignored.
        seen: (h, w) bool, cells that show the picture and about which the
            boxes say something.
    """
    boxes: Tensor
    labels: Tensor
    cells: Tensor
    cut: Tensor
    free: Tensor
    allowed: Tensor
    unsure: Tensor
    seen: Tensor


def box_view(sample: DetDataSample, pair: Pair, scores: Tensor) -> BoxView:
    """Read the boxes of a sample.

    Args:
        sample: With its boxes under the stock names.
        pair: The classes of both tasks.
        scores: (K, h, w) of cells, for size and device.
    """
    grid, device = (scores.shape[-2], scores.shape[-1]), scores.device
    boxes, labels = _boxes(sample, 'gt_instances', pair)
    others = [_boxes(sample, field, pair)
              for field in ('ignored_instances', 'lost_instances')
              if field in sample]
    other_boxes = torch.cat([b for b, _ in others] or [boxes[:0]])
    other_labels = torch.cat([k for _, k in others] or [labels[:0]])
    cells = box_cells(boxes, grid, STRIDE)
    other_cells = box_cells(other_boxes, grid, STRIDE)
    free = pair.free(annotated_for(sample.metainfo, DET)).to(device)
    allowed = allowed_classes(torch.cat([cells, other_cells]),
                              torch.cat([labels, other_labels]), free)
    # crops of others say nothing of what they cut
    cut = cut_sides(boxes, visible_part(sample),
                    sample.metainfo['img_shape'][:2])
    return BoxView(
        boxes, labels, cells, cut, free, allowed, other_cells.any(0),
        # where every class has boxes, nothing is known outside of them
        seen_cells(sample, grid, device) & allowed.any(0))


def _boxes(sample: DetDataSample, field: str,
           pair: Pair) -> tuple[Tensor, Tensor]:
    """Boxes of classes that masks know, and their pixel classes."""
    found: Any = asked_boxes(sample, field)
    labels = pair.of_boxes(found.labels)
    keep = labels != NO_CLASS
    boxes: Tensor = get_box_tensor(found.bboxes)
    return boxes[keep].float(), labels[keep]
