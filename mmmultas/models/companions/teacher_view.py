"""The view of an image that a teacher sees."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from torch import Tensor

from mmmultas.functional.consistency import warp_map

from .pixels import STRIDE

__all__ = ['matrix_of', 'moved_cells', 'same_place', 'teacher_images']


def matrix_of(sample: DetDataSample) -> Tensor:
    """(3, 3) float64: from the teacher's view to the input, in pixels."""
    values = sample.metainfo.get('from_teacher')
    if values is None:
        return torch.eye(3, dtype=torch.double)
    return torch.tensor(values, dtype=torch.double).reshape(3, 3)


def same_place(sample: DetDataSample, size: tuple[int, int]) -> bool:
    """Whether both views are one picture, perhaps at two sizes.

    Args:
        sample: With ``teacher_view``, or without one.
        size: Height and width of the input, of samples that do not tell
            those of their image, which may be padded.
    """
    if 'teacher_view' not in sample:
        return True
    height, width = sample.teacher_view.data.shape[-2:]
    size = _image_size(sample, size)
    scale = torch.tensor([size[1] / width, size[0] / height, 1.],
                         dtype=torch.double)
    return torch.allclose(matrix_of(sample), scale.diag(), atol=1e-6)


def _image_size(sample: DetDataSample,
                size: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the image, without padding."""
    height, width = sample.metainfo.get('img_shape', size)[:2]
    return height, width


def teacher_images(inputs: Tensor, samples: Sequence[DetDataSample],
                   preprocessor: Any) -> list[Tensor]:
    """What a teacher sees of N images, each (3, h, w), normalised.

    Args:
        inputs: (N, 3, H, W), normalised: seen where there is nothing else.
        samples: N samples.
        preprocessor: Who normalised the inputs.
    """
    images = []
    size = (inputs.shape[-2], inputs.shape[-1])
    for image, sample in zip(inputs, samples):
        if 'teacher_view' in sample:
            plain = _normalised(sample.teacher_view.data.to(inputs.device),
                                preprocessor)
            if same_place(sample, size):
                plain = _padded(plain, _image_size(sample, size), size)
            image = plain
        images.append(image)
    return images


def _padded(image: Tensor, own: tuple[int, int],
            size: tuple[int, int]) -> Tensor:
    """An image at its own size in the network's, padded as inputs are."""
    if image.shape[-2:] != own:
        image = F.interpolate(image[None], own, mode='bilinear')[0]
    return F.pad(image, (0, size[1] - own[1], 0, size[0] - own[0]))


def _normalised(image: Tensor, preprocessor: Any) -> Tensor:
    """(3, h, w) uint8, BGR, as the preprocessor makes it."""
    image = image.float()
    if getattr(preprocessor, '_channel_conversion', False):
        image = image.flip(0)
    if getattr(preprocessor, '_enable_normalize', False):
        image = ((image - preprocessor.mean.to(image)) /
                 preprocessor.std.to(image))
    return image


def moved_cells(scores: Tensor, sample: DetDataSample,
                size: tuple[int, int],
                grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A teacher's scores of cells as the input sees them.

    Args:
        scores: (K, h', w') of the teacher's view.
        sample: Says how both views lie.
        size: Height and width of the input in pixels.
        grid: (h, w) cells of the input.

    Returns:
        tuple: (K, h, w) scores; (h, w) bool, cells that the teacher saw.
    """
    h, w = scores.shape[1:]
    if same_place(sample, size):
        return scores, torch.ones(grid, dtype=torch.bool,
                                  device=scores.device)
    index = torch.arange(h * w, device=scores.device).reshape(h, w)
    index = warp_map(index, matrix_of(sample), grid, STRIDE, fill=-1)
    found = scores.flatten(1)[:, index.clamp(min=0)]
    return found, index >= 0
