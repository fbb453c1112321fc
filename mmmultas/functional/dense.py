"""Losses and errors of depth, normals, edges and saliency (SPEC-MTPSL 4).

Losses are a sum and a count, so that images, streams and processes pool; an
image without a valid pixel adds 0 to both.

Shape legend: ``N`` images, ``H`` by ``W`` pixels, ``P`` valid pixels.
"""
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'angles', 'balanced_bce', 'cosine_loss', 'depth_errors', 'depth_loss',
    'unit_normals', 'yes_no_counts'
]

#: Smallest depth whose logarithm and ratio are taken.
_MIN_DEPTH = 1e-9


def depth_loss(depth_N1HW: Tensor,
               truth_N1HW: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute errors over valid pixels, and how many there are.

    Args:
        depth_N1HW: Prediction, in the unit of the truth.
        truth_N1HW: 0 is invalid.

    Returns:
        tuple: Sum with gradient, count.

    Example:
        >>> truth = torch.tensor([0., 2., 3.]).reshape(1, 1, 1, 3)
        >>> [x.item() for x in depth_loss(torch.ones(1, 1, 1, 3), truth)]
        [3.0, 2.0]
    """
    valid = truth_N1HW > 0
    error = (depth_N1HW - truth_N1HW).abs()
    return torch.where(valid, error, 0).sum(), valid.sum().to(error.dtype)


def unit_normals(raw_N3HW: Tensor) -> Tensor:
    """Vectors of length 1 along the channels; a zero stays zero.

    Example:
        >>> raw = torch.tensor([0., 3., 4.]).reshape(1, 3, 1, 1)
        >>> unit_normals(raw).flatten()
        tensor([0.0000, 0.6000, 0.8000])
    """
    return raw_N3HW / (raw_N3HW.norm(dim=1, keepdim=True) + 1e-12)


def cosine_loss(raw_N3HW: Tensor, truth_N3HW: Tensor) -> tuple[Tensor, Tensor]:
    """1 - cosine over valid pixels, and how many there are.

    Args:
        raw_N3HW: Prediction of any length.
        truth_N3HW: Unit vectors; (0, 0, 0) is invalid.

    Returns:
        tuple: Sum with gradient, count.

    Example:
        >>> x = torch.tensor([0., 0., 1.]).reshape(1, 3, 1, 1)
        >>> [v.item() for v in cosine_loss(2 * x, x)]
        [0.0, 1.0]
    """
    valid = truth_N3HW.abs().sum(1) > 0
    cosine = (unit_normals(raw_N3HW) * truth_N3HW).sum(1)
    loss = torch.where(valid, 1 - cosine, 0)
    return loss.sum(), valid.sum().to(loss.dtype)


def vector_l1_loss(raw_N3HW: Tensor,
                   truth_N3HW: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute error of unit vectors' components, and how many there are.

    Args:
        raw_N3HW: Prediction of any length.
        truth_N3HW: Unit vectors; (0, 0, 0) is invalid.

    Returns:
        tuple: Sum with gradient, count: three for each valid pixel.

    Example:
        >>> x = torch.tensor([0., 0., 1.]).reshape(1, 3, 1, 1)
        >>> [v.item() for v in vector_l1_loss(-2 * x, x)]
        [2.0, 3.0]
    """
    valid = truth_N3HW.abs().sum(1, keepdim=True) > 0
    error = (unit_normals(raw_N3HW) - truth_N3HW).abs()
    loss = torch.where(valid, error, 0)
    return loss.sum(), 3 * valid.sum().to(loss.dtype)


def balanced_bce(logits_N1HW: Tensor,
                 labels_N1HW: Tensor,
                 weight: float | str | None = None,
                 ignore_index: int = 255) -> tuple[Tensor, Tensor]:
    """Logistic loss of yes and no with a factor each, and its pixels.

    Args:
        logits_N1HW: Raw scores.
        labels_N1HW: 0, 1, or ``ignore_index``.
        weight: Factor of the yes; a no has 1 - ``weight``. None: the share
            of the no among the known pixels of each image, so that images
            and processes pool; ``'batch'``: among all of these images.
        ignore_index: Pixels that take no part.

    Returns:
        tuple: Sum with gradient, count of known pixels.

    Example:
        >>> x, y = torch.zeros(1, 1, 1, 2), torch.tensor([[[[1, 0]]]])
        >>> loss, count = balanced_bce(x, y, .75)
        >>> round(loss.item(), 4), count.item()
        (0.6931, 2.0)
    """
    known = labels_N1HW != ignore_index
    yes = (labels_N1HW == 1).to(logits_N1HW.dtype)
    count = known.sum().to(logits_N1HW.dtype)
    share: float | Tensor
    if weight is None or isinstance(weight, str):
        axes = (0, 1, 2, 3) if weight == 'batch' else (1, 2, 3)
        pixels = known.sum(axes, keepdim=True).clamp(min=1)
        share = 1 - (yes * known).sum(axes, keepdim=True) / pixels
    else:
        share = weight
    factors = (share * yes + (1 - share) * (1 - yes)) * known
    losses = F.binary_cross_entropy_with_logits(
        logits_N1HW, yes, reduction='none')
    return (factors * losses).sum(), count


def depth_errors(depth_P: Tensor, truth_P: Tensor) -> dict[str, Tensor]:
    """Sums over pixels from which pooled errors follow.

    Args:
        depth_P: Prediction at valid pixels; at least 1e-9 is taken.
        truth_P: Above 0.

    Returns:
        dict: ``count``, ``abs``, ``rel``, ``square``, ``log_square``,
        float64.

    Example:
        >>> found = depth_errors(torch.tensor([2.]), torch.tensor([4.]))
        >>> found['abs'].item(), found['rel'].item(), found['square'].item()
        (2.0, 0.5, 4.0)
    """
    depth = depth_P.double().clamp(min=_MIN_DEPTH)
    truth = truth_P.double()
    error = (depth - truth).abs()
    return dict(
        count=torch.tensor(float(truth.numel()), dtype=torch.float64),
        abs=error.sum(),
        rel=(error / truth).sum(),
        square=error.square().sum(),
        log_square=(depth.log() - truth.log()).square().sum())


def angles(normals_P3: Tensor, truth_P3: Tensor) -> Tensor:
    """Degrees between unit vectors, (P,).

    Example:
        >>> a, b = torch.tensor([[1., 0, 0]]), torch.tensor([[0., 1, 0]])
        >>> round(angles(a, b).item(), 3)
        90.0
    """
    cosine = (normals_P3.double() * truth_P3.double()).sum(1).clamp(-1, 1)
    return torch.rad2deg(cosine.acos())


def yes_no_counts(scores_P: Tensor, labels_P: Tensor,
                  thresholds_T: Tensor) -> Tensor:
    """True positives, false positives and misses at each threshold.

    Args:
        scores_P: Probabilities of known pixels.
        labels_P: 0 or 1.
        thresholds_T: A yes is above.

    Returns:
        (T, 3) int64.

    Example:
        >>> scores, labels = torch.tensor([.9, .4]), torch.tensor([1, 1])
        >>> yes_no_counts(scores, labels, torch.tensor([.5])).tolist()
        [[1, 0, 1]]
    """
    yes = scores_P[None] > thresholds_T[:, None].to(scores_P)
    truth = (labels_P == 1)[None]
    return torch.stack([(yes & truth).sum(1), (yes & ~truth).sum(1),
                        (~yes & truth).sum(1)], 1)
