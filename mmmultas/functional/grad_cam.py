"""Grad-CAM: where a score comes from, seen from a layer.

Suffixes: ``C`` channels, ``H`` and ``W`` positions.

Source: Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks
via Gradient-based Localization, ICCV 2017, equations 1 and 2.
"""
import torch.nn.functional as F
from torch import Tensor

__all__ = ['grad_cam', 'sum_levels', 'to_unit_range']


def grad_cam(activation_CHW: Tensor, gradient_CHW: Tensor) -> Tensor:
    """Weigh each channel by its mean gradient, add up, keep what is positive.

    Args:
        activation_CHW: Output of the layer.
        gradient_CHW: Gradient of the score with respect to it.

    Returns:
        Tensor: (H, W), at least 0.

    Raises:
        ValueError: The shapes differ or are not (C, H, W).

    Example:
        >>> activation = torch.tensor([[[1., 2.]], [[3., 1.]]])
        >>> gradient = torch.tensor([[[1., 1.]], [[-1., 0.]]])
        >>> grad_cam(activation, gradient)
        tensor([[0.0000, 1.5000]])
    """
    if activation_CHW.ndim != 3 or \
            activation_CHW.shape != gradient_CHW.shape:
        raise ValueError('activation and gradient must both be (C, H, W), '
                         f'not {tuple(activation_CHW.shape)} and '
                         f'{tuple(gradient_CHW.shape)}')
    weight_C = gradient_CHW.mean(dim=(1, 2))
    return (weight_C[:, None, None] * activation_CHW).sum(dim=0).relu()


def sum_levels(maps: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Enlarge the maps of a pyramid's levels to one size and add them.

    Args:
        maps: (H_l, W_l) each.
        size: (H, W) of the result; edges of a map lie on its edges.

    Returns:
        Tensor: (H, W).

    Example:
        >>> sum_levels([torch.ones(1, 1), torch.eye(2)], (2, 2))
        tensor([[2., 1.],
                [1., 2.]])
    """
    return sum((F.interpolate(level[None, None], size=size, mode='bilinear',
                              align_corners=False)[0, 0] for level in maps),
               start=maps[0].new_zeros(size))


def to_unit_range(cam_HW: Tensor) -> Tensor:
    """Divide by the maximum; a map of zeros stays what it is.

    Returns:
        Tensor: (H, W) in [0, 1].

    Example:
        >>> to_unit_range(torch.tensor([[0., 2., 4.]]))
        tensor([[0.0000, 0.5000, 1.0000]])
        >>> to_unit_range(torch.zeros(1, 2))
        tensor([[0., 0.]])
    """
    peak = cam_HW.max()
    return cam_HW / peak if peak > 0 else cam_HW
