"""Class activation maps: where in an image a classifier sees its classes.

CAM: Zhou et al., CVPR 2016; ReCAM: Chen et al., CVPR 2022
(docs/weak_losses.md).

Shape legend: ``N`` images, ``K`` classes without the background, ``C``
channels, ``h`` by ``w`` cells of a feature map.
"""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'class_feature_losses', 'class_features', 'class_maps', 'class_seeds',
    'cut_to_boxes', 'joined_views', 'multilabel_losses', 'scaled_maps',
    'uncertain_seeds'
]

_EPS = 1e-5


def class_maps(feature_NChw: Tensor, weight_KC: Tensor) -> Tensor:
    """What each cell adds to a class's score, (N, K, h, w), at least 0.

    Args:
        feature_NChw: What the classifier averages.
        weight_KC: Its weights.

    Example:
        >>> class_maps(torch.ones(1, 2, 1, 2), torch.tensor([[1., 2.]]))
        tensor([[[[3., 3.]]]])
    """
    return F.conv2d(feature_NChw, weight_KC[..., None, None]).relu()


def scaled_maps(maps_NKhw: Tensor) -> Tensor:
    """Maps over their highest value: 0 to 1, and 0 where nothing is seen.

    Example:
        >>> scaled_maps(torch.tensor([[[[0., 4.]], [[0., 0.]]]])).round()
        tensor([[[[0., 1.]],
        <BLANKLINE>
                 [[0., 0.]]]])
    """
    return maps_NKhw / (maps_NKhw.amax((-2, -1), keepdim=True) + _EPS)


def class_features(feature_NChw: Tensor, maps_NKhw: Tensor) -> Tensor:
    """The mean feature that a class's map selects, (N, K, C).

    Args:
        feature_NChw: Features.
        maps_NKhw: Scaled maps; gradients flow through them.

    Example:
        >>> class_features(torch.tensor([[[[4., 8.]]]]),
        ...                torch.tensor([[[[0., 1.]]]])).tolist()
        [[[4.0]]]
    """
    cells = maps_NKhw.shape[-2] * maps_NKhw.shape[-1]
    return torch.einsum('nkhw,nchw->nkc', maps_NKhw, feature_NChw) / cells


def multilabel_losses(scores_NK: Tensor, present_NK: Tensor,
                      known_NK: Tensor | None = None) -> Tensor:
    """Logistic loss of each image, a mean over its classes, (N,).

    Args:
        scores_NK: Raw scores.
        present_NK: bool, whether an image shows a class.
        known_NK: bool, whether that is known; all by default. An image of
            which nothing is known has a loss of 0.

    Example:
        >>> multilabel_losses(torch.tensor([[9., -9.]]),
        ...                   torch.tensor([[True, False]])).round().tolist()
        [0.0]
    """
    losses = F.binary_cross_entropy_with_logits(
        scores_NK, present_NK.to(scores_NK.dtype), reduction='none')
    if known_NK is None:
        return losses.mean(1)
    return (losses * known_NK).sum(1) / known_NK.sum(1).clamp(min=1)


def class_feature_losses(logits_NKK: Tensor, present_NK: Tensor) -> Tensor:
    """Softmax loss of class features, a mean over an image's classes, (N,).

    Args:
        logits_NKK: Scores of all classes (last) for the feature of each.
        present_NK: bool; an image without a class has a loss of 0.

    Example:
        >>> class_feature_losses(torch.zeros(1, 2, 2),
        ...                      torch.tensor([[True, False]])).exp().round()
        tensor([2.])
    """
    likely = logits_NKK.log_softmax(-1).diagonal(dim1=1, dim2=2)
    count = present_NK.sum(1).clamp(min=1)
    return -(likely * present_NK).sum(1) / count


def joined_views(maps_2Khw: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps of an image and its mirror image, added at ``size``, (K, H, W).

    Args:
        maps_2Khw: Of the image, and of the mirror image as it is seen there.
        size: Height and width in pixels.

    Example:
        >>> joined_views(torch.tensor([[[[1., 0.]]], [[[0., 2.]]]]),
        ...              (1, 2)).tolist()
        [[[3.0, 0.0]]]
    """
    both = maps_2Khw[:1] + maps_2Khw[1:].flip(-1)
    return F.interpolate(both, size, mode='bilinear', align_corners=False)[0]


def cut_to_boxes(maps_Khw: Tensor, boxes: Sequence[Sequence[float]],
                 classes: Sequence[int]) -> Tensor:
    """Maps that are 0 outside of the boxes of their class.

    Args:
        maps_Khw: In pixels of the image.
        boxes: Corners in pixels.
        classes: Number of each box's class in the maps; -1 is left out.

    Example:
        >>> cut_to_boxes(torch.ones(1, 1, 3), [[1, 0, 2, 1]], [0]).tolist()
        [[[0.0, 1.0, 0.0]]]
    """
    inside = torch.zeros_like(maps_Khw, dtype=torch.bool)
    height, width = maps_Khw.shape[1:]
    for (x1, y1, x2, y2), k in zip(boxes, classes):
        left, top = max(round(x1), 0), max(round(y1), 0)
        if k >= 0:
            inside[k, top:min(round(y2), height),
                   left:min(round(x2), width)] = True
    return maps_Khw * inside


def class_seeds(maps_Khw: Tensor, background: float) -> Tensor:
    """The class of each pixel: 0, or 1 + that of the highest map, (h, w).

    Args:
        maps_Khw: Scaled maps of one image, 0 for classes that it does not
            show.
        background: The height of the background's map.

    Example:
        >>> class_seeds(torch.tensor([[[.1, .3]], [[.0, .8]]]), .2).tolist()
        [[0, 2]]
    """
    best, label = maps_Khw.max(0)
    # the background comes first: it has a tie
    return torch.where(best > background, label + 1, 0)


def uncertain_seeds(maps_Khw: Tensor, low: float, high: float) -> Tensor:
    """Like :func:`class_seeds`; 255 where neither is sure, (h, w).

    Args:
        maps_Khw: Likewise.
        low: Below it a pixel is background.
        high: Above it a pixel shows a class.

    Example:
        >>> uncertain_seeds(torch.tensor([[[.0, .2, .8]]]), .1, .35).tolist()
        [[0, 255, 1]]
    """
    sure = class_seeds(maps_Khw, high)
    between = (sure == 0) & (class_seeds(maps_Khw, low) > 0)
    return sure.masked_fill(between, 255)
