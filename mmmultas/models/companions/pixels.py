"""What heads and pictures say about cells of four pixels."""
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from torch import Tensor, nn

from mmmultas.functional.box_supervision import box_cells
from mmmultas.functional.colour_pairs import rgb_to_lab
from mmmultas.utils.errors import ConfigError

__all__ = [
    'STRIDE', 'cell_colours', 'cell_grid', 'cell_scores', 'refuse_sigmoids',
    'seen_cells', 'visible_part'
]

#: Pixels per cell.
STRIDE = 4


def cell_grid(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells whose centre is in a picture of a size.

    Example:
        >>> cell_grid((64, 50))
        (16, 12)
    """
    height, width = size
    return (height + 1) // STRIDE, (width + 1) // STRIDE


def cell_scores(outputs: Any, size: tuple[int, int], classes: int,
                key: str) -> Tensor:
    """Raw scores of a decode head at the centres of cells, (N, K, h, w).

    Args:
        outputs: What the head gives: (N, K, H, W) of any size, alone or
            first of several.
        size: Height and width of the input in pixels.
        classes: K.
        key: Config key of the head, for messages.

    Raises:
        ConfigError: The head gives something else.
    """
    if isinstance(outputs, list | tuple) and outputs:
        outputs = outputs[0]
    if (not isinstance(outputs, Tensor) or outputs.dim() != 4
            or outputs.shape[1] != classes):
        shape = getattr(outputs, 'shape', None)
        raise ConfigError(
            f'`{key}` gives {type(outputs).__name__}'
            f'{"" if shape is None else f" {tuple(shape)}"} and no score of '
            f'each of its {classes} classes per pixel, which weak losses '
            'read: take FPNHead, UPerHead or mmmultas.PanopticFPNSegHead, '
            'for example, with `out_channels` equal to `num_classes`.')
    height, width = size
    rows, columns = cell_grid(size)
    scores = outputs.float()
    if scores.shape[-2] >= height and scores.shape[-1] >= width:
        # nearest neighbours of stride 4 are read exactly
        half = STRIDE // 2
        return scores[..., half:height:STRIDE, half:width:STRIDE]
    full = (-(-height // STRIDE), -(-width // STRIDE))
    if scores.shape[-2:] != full:
        scores = F.interpolate(scores, full, mode='bilinear')
    return scores[..., :rows, :columns]


def refuse_sigmoids(head: Any, name: str, key: str) -> None:
    """Refuse a head all of whose losses judge each class for itself.

    Args:
        head: A decode head.
        name: Its config key, for messages.
        key: Config key of the companion, for messages.

    Raises:
        ConfigError: It is such a head.
    """
    losses = getattr(head, 'loss_decode', None)
    if not isinstance(losses, nn.ModuleList | list | tuple):
        losses = [losses]
    if len(losses) and all(getattr(x, 'use_sigmoid', False) for x in losses):
        raise ConfigError(
            f'`{name}.loss_decode` has use_sigmoid=True, which judges each '
            f'class for itself, and `{key}` needs probabilities that add up '
            'to 1: set use_sigmoid=False.')


def visible_part(sample: DetDataSample) -> tuple[float, ...]:
    """x1, y1, x2, y2 of the part that shows the picture, in pixels."""
    meta = sample.metainfo
    height, width = meta['img_shape'][:2]
    x1, y1, x2, y2 = meta.get('visible', (0, 0, width, height))
    return x1, y1, min(x2, width), min(y2, height)


def seen_cells(sample: DetDataSample, grid: tuple[int, int],
               device: torch.device) -> Tensor:
    """Cells that show the picture: no filled border, no padding, (h, w)."""
    part = torch.tensor([visible_part(sample)], device=device)
    return box_cells(part, grid, STRIDE)[0]


def cell_colours(inputs: Tensor, preprocessor: Any) -> Tensor:
    """Mean colour of each cell in CIE L*a*b*, (N, 3, h, w).

    Args:
        inputs: (N, 3, H, W), normalised.
        preprocessor: Who normalised them.
    """
    images = inputs.float()
    if getattr(preprocessor, '_enable_normalize', False):
        images = (images * preprocessor.std.to(images) +
                  preprocessor.mean.to(images))
    if not getattr(preprocessor, '_channel_conversion', False):
        images = images.flip(1)  # what is not converted is BGR
    rows, columns = cell_grid((inputs.shape[-2], inputs.shape[-1]))
    images = F.avg_pool2d(images / 255, STRIDE, ceil_mode=True)
    return torch.stack([rgb_to_lab(image.clamp(0, 1))
                        for image in images[..., :rows, :columns]])
