"""Two tasks of one image compared where both can be: a joint space.

Li, Liu, Bilen, CVPR 2022 (SPEC-MTPSL 2 and 3): what a network says of one
task and the label of another are brought into a space of their pair, and
should lie in one direction there.

Shape legend: ``N`` images, ``K`` classes, ``M`` items (one side of a pair of
tasks of an image), ``C`` channels, ``H`` by ``W`` pixels.
"""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    'conditioned_norm', 'cosine_distance', 'gumbel_noise', 'gumbel_sample',
    'one_hot_maps', 'pair_column', 'pairs_between', 'relative_depth',
    'seen_by', 'unit_range', 'yes_maps'
]

_EPS = 1e-12


def pair_column(source: int, target: int, count: int) -> int:
    """Place of an ordered pair among the K (K - 1), row by row.

    Args:
        source: Number of the task that is predicted.
        target: Number of the task that is labelled, another one.
        count: Tasks K.

    Example:
        >>> [pair_column(s, t, 3) for s in range(3) for t in range(3)
        ...  if s != t]
        [0, 1, 2, 3, 4, 5]
    """
    return source * (count - 1) + target - (target > source)


def pairs_between(labelled: Sequence[bool]) -> list[tuple[int, int]]:
    """Pairs (source, target) of an image: from unlabelled to labelled tasks.

    Args:
        labelled: Of each task, whether the image has its label. Where it has
            all of them, every task is a source for every other one.

    Example:
        >>> pairs_between([False, True, False])
        [(0, 1), (2, 1)]
        >>> pairs_between([True, True]), pairs_between([False, False])
        ([(0, 1), (1, 0)], [])
    """
    tasks = range(len(labelled))
    targets = [t for t in tasks if labelled[t]]
    sources = [s for s in tasks if not labelled[s]] or list(tasks)
    return [(s, t) for s in sources for t in targets if s != t]


def gumbel_noise(shape: Sequence[int],
                 generator: torch.Generator,
                 dtype: torch.dtype = torch.float32) -> Tensor:
    """Draws of the standard Gumbel distribution, where the generator is.

    Example:
        >>> noise = gumbel_noise((1000, ), torch.Generator().manual_seed(0))
        >>> round(noise.mean().item(), 1)  # Euler's constant, 0.577
        0.6
    """
    noise = torch.empty(tuple(shape), dtype=dtype, device=generator.device)
    # never 0, so that no draw is infinite
    return -noise.exponential_(generator=generator).clamp_(min=1e-30).log()


def gumbel_sample(logp_NKHW: Tensor, noise_NKHW: Tensor) -> Tensor:
    """A class drawn for every pixel, as one-hot maps with a gradient.

    Straight through: the values are those of the drawn class, the gradient
    that of the softmax (temperature 1).

    Args:
        logp_NKHW: Logarithms of probabilities.
        noise_NKHW: As of :func:`gumbel_noise`.

    Example:
        >>> logp = torch.tensor([.9, .1]).log().reshape(1, 2, 1, 1)
        >>> gumbel_sample(logp, torch.zeros(1, 2, 1, 1)).flatten()
        tensor([1., 0.])
    """
    soft = (logp_NKHW + noise_NKHW).softmax(1)
    best = soft.detach().argmax(1, keepdim=True)
    hard = torch.zeros_like(soft).scatter_(1, best, 1)
    # exact ones and zeros, which hard - soft + soft are not
    sample: Tensor = _StraightThrough.apply(soft, hard)
    return sample


class _StraightThrough(torch.autograd.Function):
    """The value of one tensor with the gradient of another."""

    @staticmethod
    def forward(ctx: object, soft: Tensor, hard: Tensor) -> Tensor:
        return hard

    @staticmethod
    def backward(ctx: object, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


def one_hot_maps(labels_NHW: Tensor, count: int) -> Tensor:
    """One map per class, float32; all are 0 where there is no class.

    Args:
        labels_NHW: Class numbers; others than 0 ... K - 1 are invalid.
        count: Classes K.

    Example:
        >>> one_hot_maps(torch.tensor([[[1, 255]]]), 2).flatten().tolist()
        [0.0, 0.0, 1.0, 0.0]
    """
    classes = torch.arange(count, device=labels_NHW.device)
    return (labels_NHW[:, None] == classes[:, None, None]).float()


def relative_depth(depth_N1HW: Tensor) -> Tensor:
    """Depth by the largest one of its image; the gradient knows of it.

    An image without a depth above 0 is left as it is.

    Example:
        >>> relative_depth(torch.tensor([1., 4.]).reshape(1, 1, 1, 2))
        tensor([[[[0.2500, 1.0000]]]])
    """
    largest = depth_N1HW.amax((1, 2, 3), keepdim=True)
    largest = torch.where(largest > 0, largest + _EPS, 1)
    return depth_N1HW / largest


def unit_range(vectors_N3HW: Tensor) -> Tensor:
    """Unit vectors in [0, 1]; invalid ones, (0, 0, 0), become 0.5.

    Example:
        >>> unit_range(torch.tensor([-1., 0., 1.]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    return (vectors_N3HW + 1) / 2


def yes_maps(labels_N1HW: Tensor) -> Tensor:
    """1 where an edge or something salient is, else and where unknown 0.

    Example:
        >>> yes_maps(torch.tensor([0, 1, 255]))
        tensor([0., 1., 0.])
    """
    return (labels_N1HW == 1).float()


def cosine_distance(first_MCHW: Tensor, second_MCHW: Tensor) -> Tensor:
    """1 - the mean over positions of the cosine over channels, (M,).

    A zero vector has the cosine 0, and no gradient.

    Args:
        first_MCHW: Embeddings.
        second_MCHW: Embeddings of the same shape.

    Example:
        >>> x = torch.rand(2, 3, 4, 4)
        >>> cosine_distance(x, 2 * x).abs().max() < 1e-6
        tensor(True)
    """
    cosine = F.cosine_similarity(first_MCHW, second_MCHW, 1, _EPS)
    known = (first_MCHW != 0).any(1) & (second_MCHW != 0).any(1)
    return 1 - torch.where(known, cosine, 0).flatten(1).mean(1)


def conditioned_norm(x_MCHW: Tensor,
                     weight_C: Tensor,
                     bias_C: Tensor,
                     gamma_MC: Tensor | None = None,
                     beta_MC: Tensor | None = None,
                     eps: float = 1e-5) -> Tensor:
    """Normalise each item by itself, then FiLM: one kernel for both.

    Equals batch norm with the statistics of an item alone, times ``gamma``,
    plus ``beta``.

    Args:
        x_MCHW: Maps of more than one position.
        weight_C: Factor of the norm.
        bias_C: Summand of the norm.
        gamma_MC: Factors of each item; 1 by default.
        beta_MC: Summands of each item; 0 by default.
        eps: Added to the variance.

    Example:
        >>> x, one = torch.rand(2, 3, 4, 4), torch.ones(3)
        >>> y = conditioned_norm(x, one, one, 2 * torch.ones(2, 3))
        >>> y.mean((2, 3)).round(decimals=4).flatten()
        tensor([2., 2., 2., 2., 2., 2.])
    """
    m, c = x_MCHW.shape[:2]
    scale, shift = weight_C.expand(m, c), bias_C.expand(m, c)
    if gamma_MC is not None:
        scale, shift = scale * gamma_MC, shift * gamma_MC
    if beta_MC is not None:
        shift = shift + beta_MC
    flat = x_MCHW.reshape(1, m * c, *x_MCHW.shape[2:])
    normed = F.batch_norm(flat, None, None, scale.reshape(-1),
                          shift.reshape(-1), True, 0.0, eps)
    return normed.reshape(x_MCHW.shape)


def seen_by(maps_NCHW: Tensor, matrices_N33: Tensor
            ) -> tuple[Tensor, Tensor]:
    """Maps of one view as another view of the same size sees them, bilinear.

    Args:
        maps_NCHW: Maps of the first view.
        matrices_N33: Map points (x, y, 1) of the first view to the second,
            in pixels whose centres are at .5.

    Returns:
        tuple: (N, C, H, W), and (N, 1, H, W) bool, places that the first
        view shows.

    Example:
        >>> mirror = torch.tensor([[[-1., 0, 2], [0, 1, 0], [0, 0, 1]]])
        >>> maps = torch.tensor([1., 2.]).reshape(1, 1, 1, 2)
        >>> seen_by(maps, mirror)[0]
        tensor([[[[2., 1.]]]])
    """
    height, width = maps_NCHW.shape[-2:]
    device = maps_NCHW.device
    y = torch.arange(height, dtype=torch.double, device=device) + .5
    x = torch.arange(width, dtype=torch.double, device=device) + .5
    places = torch.stack([
        x.expand(height, width), y[:, None].expand(height, width),
        torch.ones(height, width, dtype=torch.double, device=device)], -1)
    back = torch.linalg.inv(matrices_N33.to(device).double())
    points = torch.einsum('nij,hwj->nhwi', back, places)[..., :2]
    size = torch.tensor([width, height], device=device)
    inside = ((points >= 0) & (points <= size)).all(-1)[:, None]
    grid = (2 * points / size - 1).to(maps_NCHW.dtype)
    found = F.grid_sample(maps_NCHW, grid, padding_mode='border',
                          align_corners=False)
    return found, inside
