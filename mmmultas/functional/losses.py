"""Losses as sums; the caller divides by its count (SPEC 4).

Sums, not means: two processes, or two streams of different size, then pool
their counts and equal one joint batch exactly.

Shape legend: ``P`` positives, ``A`` anchors of the whole batch, ``C``
foreground classes, ``N`` images, ``K`` segmentation classes.
"""
import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'balanced_l1_sum', 'focal_loss_sum', 'quality_focal_loss_sum',
    'cross_entropy_sum', 'joined_log_softmax', 'upsampled_cross_entropy_sum'
]


def balanced_l1_sum(pred: Tensor,
                    target: Tensor,
                    alpha: float = 0.5,
                    gamma: float = 1.5,
                    beta: float = 0.11,
                    weight: Tensor | None = None) -> Tensor:
    """Balanced L1 (Pang et al., CVPR 2019; SPEC 4), summed.

    Args:
        pred: Any shape.
        target: The same shape.
        alpha: Gain of small errors.
        gamma: Slope of large errors.
        beta: Border between small and large.
        weight: Factor of each entry, the same shape.

    Example:
        >>> balanced_l1_sum(torch.ones(1), torch.ones(1))
        tensor(0.)
    """
    b = math.exp(gamma / alpha) - 1
    diff = (pred - target).abs()
    small = (
        alpha / b * (b * diff + 1) * (b * diff / beta + 1).log() -
        alpha * diff)
    large = gamma * diff + gamma / b - alpha * beta
    loss = torch.where(diff < beta, small, large)
    return (loss if weight is None else loss * weight).sum()


def focal_loss_sum(logits_AC: Tensor,
                   target_AC: Tensor,
                   ignore_AC: Tensor | None = None,
                   alpha: float = 0.25,
                   gamma: float = 1.0) -> Tensor:
    """Sigmoid focal loss (Lin et al., ICCV 2017; SPEC 4), summed.

    Args:
        logits_AC: Raw scores.
        target_AC: 0 or 1, the same shape.
        ignore_AC: True where an entry takes no part.
        alpha: Weight of positives; negatives weigh 1 - alpha.
        gamma: Focusing power.

    Example:
        >>> focal_loss_sum(torch.zeros(1, 1), torch.ones(1, 1))
        tensor(0.0866)
    """
    bce = F.binary_cross_entropy_with_logits(
        logits_AC, target_AC, reduction='none')
    prob = logits_AC.sigmoid()
    miss = prob + target_AC - 2 * prob * target_AC
    weight = (1 - alpha) + (2 * alpha - 1) * target_AC
    if gamma != 1:
        miss = miss**gamma
    loss = weight * miss * bce
    if ignore_AC is not None:
        loss = loss.masked_fill(ignore_AC, 0)
    return loss.sum()


def quality_focal_loss_sum(logits_AC: Tensor,
                           target_AC: Tensor,
                           ignore_AC: Tensor | None = None,
                           beta: float = 2.0) -> Tensor:
    """Quality focal loss (Li et al., NeurIPS 2020; SPEC 4), summed.

    Args:
        logits_AC: Raw scores.
        target_AC: Soft labels in [0, 1], the same shape.
        ignore_AC: True where an entry takes no part.
        beta: Focusing power.

    Example:
        >>> quality_focal_loss_sum(torch.zeros(1, 1), torch.ones(1, 1))
        tensor(0.1733)
    """
    bce = F.binary_cross_entropy_with_logits(
        logits_AC, target_AC, reduction='none')
    loss = (target_AC - logits_AC.sigmoid()).abs()**beta * bce
    if ignore_AC is not None:
        loss = loss.masked_fill(ignore_AC, 0)
    return loss.sum()


def cross_entropy_sum(logits_NKHW: Tensor,
                      labels_NHW: Tensor,
                      ignore_index: int = 255,
                      class_weight_K: Tensor | None = None,
                      joined_NK: Tensor | None = None) -> Tensor:
    """Softmax cross-entropy summed over labelled pixels (SPEC 4).

    Args:
        logits_NKHW: Raw scores.
        labels_NHW: int64 class per pixel.
        ignore_index: Label of pixels that take no part.
        class_weight_K: Weight of each class.
        joined_NK: Classes that are one, as in :func:`joined_log_softmax`.

    Example:
        >>> labels = torch.tensor([[[0, 255]]])
        >>> cross_entropy_sum(torch.zeros(1, 2, 1, 2), labels)
        tensor(0.6931)
    """
    if joined_NK is not None:
        return F.nll_loss(
            joined_log_softmax(logits_NKHW, joined_NK),
            labels_NHW,
            weight=class_weight_K,
            ignore_index=ignore_index,
            reduction='sum')
    return F.cross_entropy(
        logits_NKHW,
        labels_NHW,
        weight=class_weight_K,
        ignore_index=ignore_index,
        reduction='sum')


def joined_log_softmax(logits_NKHW: Tensor, joined_NK: Tensor) -> Tensor:
    """Logarithms of probabilities; some classes have that of their union.

    Where nobody looked for some classes, a pixel that is none of the others
    may be any of them: its likelihood is the sum of their probabilities.

    Args:
        logits_NKHW: Raw scores.
        joined_NK: bool, the classes of each image that are one; none of them
            is right, too.

    Returns:
        Tensor: (N, K, H, W), each class of a union with the union's.

    Example:
        >>> joined = torch.tensor([[True, True, False]])
        >>> joined_log_softmax(torch.zeros(1, 3, 1, 1), joined).exp().flatten()
        tensor([0.6667, 0.6667, 0.3333])
    """
    logs = logits_NKHW.log_softmax(1)
    # a sum over no class would have no gradient that is a number
    summed = joined_NK | ~joined_NK.any(1, keepdim=True)
    union = logs.masked_fill(~summed[..., None, None],
                             -math.inf).logsumexp(1, keepdim=True)
    return torch.where(joined_NK[..., None, None], union, logs)


def upsampled_cross_entropy_sum(logits_NKhw: Tensor,
                                labels_NHW: Tensor,
                                factor: int,
                                ignore_index: int = 255,
                                class_weight_K: Tensor | None = None,
                                joined_NK: Tensor | None = None) -> Tensor:
    """:func:`cross_entropy_sum` of nearest-upsampled scores, for less.

    All pixels of a block have the same scores, so their logarithms are taken
    once per block instead of ``factor`` ** 2 times.

    Args:
        logits_NKhw: Raw scores before upsampling by ``factor``.
        labels_NHW: int64 class per pixel; H is at most ``factor`` * h, W
            likewise: what the scores cover beyond is cut off.
        factor: Whole factor of the upsampling.
        ignore_index: Label of pixels that take no part.
        class_weight_K: Weight of each class.
        joined_NK: Classes that are one, as in :func:`joined_log_softmax`.

    Example:
        >>> labels = torch.tensor([[[0, 255], [1, 1]]])
        >>> upsampled_cross_entropy_sum(torch.zeros(1, 2, 1, 1), labels, 2)
        tensor(2.0794)
    """
    n, _, h, w = logits_NKhw.shape
    height, width = labels_NHW.shape[-2:]
    labels = F.pad(
        labels_NHW, (0, factor * w - width, 0, factor * h - height),
        value=ignore_index)
    blocks = labels.view(n, h, factor, w, factor).permute(0, 2, 4, 1, 3)
    blocks = blocks.reshape(n, factor**2, h, w)
    valid = blocks != ignore_index
    classes = blocks.masked_fill(~valid, 0)
    logits = logits_NKhw.contiguous()
    logs = (logits.log_softmax(1) if joined_NK is None else
            joined_log_softmax(logits, joined_NK))
    # not times 0: an infinite score that is ignored would make it NaN
    losses = -logs.gather(1, classes).masked_fill(~valid, 0)
    if class_weight_K is not None:
        losses = losses * class_weight_K[classes]
    return losses.sum()
