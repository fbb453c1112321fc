"""What the mask of one image does not say."""
import math

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from mmmultas.functional.mask_supervision import class_cover

from .pixels import visible_part

__all__ = ['pixels_of', 'unclear_boxes']

_IGNORE = 255


def pixels_of(sample: DetDataSample) -> Tensor:
    """(H, W) class of every pixel, without what pads the batch.

    Args:
        sample: With its mask under the stock name.
    """
    height, width = sample.metainfo['img_shape'][:2]
    pixels: Tensor = sample.gt_sem_seg.sem_seg[0, :height, :width]
    return pixels


def unclear_boxes(sample: DetDataSample, boxes: Tensor,
                  share: float) -> Tensor:
    """Boxes in which a mask hides so much that they may show anything.

    Pixels of 255 in the picture: what is there, nobody said. What a crop
    filled is 255 as well and shows nothing. Where the whole picture is 255,
    the mask says nothing of any box.

    Args:
        sample: With its mask under the stock name.
        boxes: (A, 4) corners in pixels.
        share: Share of a box from which on, in [0, 1].

    Returns:
        (A,) bool.
    """
    hidden = pixels_of(sample) == _IGNORE
    x1, y1, x2, y2 = visible_part(sample)
    seen = torch.zeros_like(hidden)
    seen[math.ceil(y1):math.floor(y2), math.ceil(x1):math.floor(x2)] = True
    if not (seen & ~hidden).any():
        return torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    cover = class_cover((hidden & seen).long(), boxes,
                        torch.ones(1, dtype=torch.long,
                                   device=boxes.device))[:, 0]
    return (cover >= share) & (cover > 0)
