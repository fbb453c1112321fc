"""Neighbours of like colour: a hint at the borders of objects.

Tian et al., "BoxInst: high-performance instance segmentation with box
annotations", CVPR 2021.

Shape legend: ``K`` pixel classes, ``h`` by ``w`` cells, ``8`` neighbours.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['colour_affinity', 'colour_likeness', 'rgb_to_lab']


def rgb_to_lab(rgb_3hw: Tensor) -> Tensor:
    """CIE L*a*b* (D65) of sRGB in [0, 1], (3, h, w).

    Example:
        >>> rgb_to_lab(torch.ones(3, 1, 1)).flatten().round()[:1]
        tensor([100.])
    """
    linear = torch.where(rgb_3hw > .04045,
                         ((rgb_3hw + .055) / 1.055).clamp(min=0)**2.4,
                         rgb_3hw / 12.92)
    to_xyz = linear.new_tensor([[.412453, .357580, .180423],
                                [.212671, .715160, .072169],
                                [.019334, .119193, .950227]])
    white = linear.new_tensor([.950456, 1., 1.088754])
    xyz = torch.einsum('ij,jhw->ihw', to_xyz, linear) / white[:, None, None]
    f = torch.where(xyz > .008856, xyz.clamp(min=1e-9)**(1 / 3),
                    7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(0)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _neighbours(values_Chw: Tensor, dilation: int, fill: float) -> Tensor:
    """Values at the eight neighbours of each cell, (C, 8, h, w)."""
    channels, h, w = values_Chw.shape
    padded = F.pad(values_Chw, (dilation, ) * 4, value=fill)
    steps = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return torch.stack([
        padded[:, y * dilation:y * dilation + h, x * dilation:x * dilation + w]
        for y, x in steps
    ], 1)


def colour_likeness(lab_3hw: Tensor, valid_hw: Tensor | None = None,
                    dilation: int = 2) -> Tensor:
    """exp(-distance / 2) of each cell's colour to its neighbours', (8, h, w).

    Args:
        lab_3hw: Colours; beyond the image they are 0 (BoxInst).
        valid_hw: bool, cells that show the image; 0 to any other.
        dilation: Cells to a neighbour.

    Example:
        >>> colour_likeness(torch.zeros(3, 1, 1))[0]
        tensor([[1.]])
    """
    near = _neighbours(lab_3hw, dilation, 0)
    alike = (-(lab_3hw[:, None] - near).norm(dim=0) / 2).exp()
    if valid_hw is None:
        return alike
    seen = _neighbours(valid_hw[None].float(), dilation, 0)[0]
    return alike * seen.to(alike)


def colour_affinity(logits_Khw: Tensor,
                    likeness_8hw: Tensor,
                    inside_hw: Tensor,
                    threshold: float = .3,
                    dilation: int = 2) -> tuple[Tensor, Tensor]:
    """Cells of like colour show the same class (BoxInst, many classes).

    Args:
        logits_Khw: Raw scores of a softmax.
        likeness_8hw: Of :func:`colour_likeness`.
        inside_hw: bool, cells from which a pair may start: those in boxes.
        threshold: Pairs that are less alike say nothing.
        dilation: That of ``likeness_8hw``.

    Returns:
        tuple: Sum of -log of the probability that both show one class, and
        the number of directed pairs, which end inside of the frame.

    Example:
        >>> alike = torch.ones(8, 1, 3)
        >>> inside = torch.ones(1, 3, dtype=torch.bool)
        >>> total, count = colour_affinity(torch.zeros(2, 1, 3), alike, inside)
        >>> round(total.item() / count.item(), 4), int(count)
        (0.6931, 2)
    """
    logs_Khw = logits_Khw.log_softmax(0)
    near = _neighbours(logs_Khw, dilation, 0)
    exists = _neighbours(torch.ones_like(logs_Khw[:1]), dilation, 0)[0] > 0
    pairs = exists & (likeness_8hw >= threshold) & inside_hw
    same = (logs_Khw[:, None] + near).logsumexp(0)
    return -torch.where(pairs, same, 0).sum(), pairs.sum().to(same.dtype)
