"""How much each task's loss weighs: formulas of SPEC-BALANCE 2.

``losses`` (T,) are joint losses above 0, ``gram`` (T, T) the products of the
tasks' gradients on shared parameters; both float64, of tasks that are present.
"""
from itertools import combinations

import torch
from torch import Tensor

__all__ = [
    'adam', 'cagrad', 'dwa', 'equal_norms', 'fairgrad', 'famo', 'famo_slope',
    'gls', 'gradnorm_slope', 'gradvac', 'imtl_l', 'mgda', 'rlw', 'stch',
    'uncertainty', 'uw_so'
]

#: More tasks than this have too many faces of the simplex to try them all.
MAX_FACES = 8


def uncertainty(log_var: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    """Weights e^-s / 2, and the slope of the total L e^-s / 2 + s / 2 in s.

    Args:
        log_var: s, (T,).
        losses: (T,).

    Example:
        >>> w, slope = uncertainty(torch.zeros(1), torch.tensor([3.]))
        >>> w.item(), slope.item()
        (0.5, -1.0)
    """
    weights = torch.exp(-log_var) / 2
    return weights, .5 - weights * losses


def dwa(last: Tensor, before: Tensor, temperature: float = 2.0) -> Tensor:
    """T softmax(r / temperature), r = last / before: means of two epochs.

    Example:
        >>> dwa(torch.ones(2), torch.ones(2)).tolist()
        [1.0, 1.0]
    """
    return len(last) * torch.softmax(last / before / temperature, 0)


def uw_so(losses: Tensor, temperature: float = 1.0) -> Tensor:
    """softmax(1 / (temperature L)): arXiv 2408.07985.

    Example:
        >>> uw_so(torch.tensor([2., 2.])).tolist()
        [0.5, 0.5]
    """
    return torch.softmax(1 / (temperature * losses), 0)


def rlw(draws: Tensor) -> Tensor:
    """softmax of normal draws.

    Example:
        >>> rlw(torch.zeros(2)).tolist()
        [0.5, 0.5]
    """
    return torch.softmax(draws, 0)


def gls(losses: Tensor, scale_invariant: bool = False) -> Tensor:
    """Slopes of the geometric mean of the losses, or of its logarithm.

    Example:
        >>> [round(w, 6) for w in gls(torch.tensor([1., 4.])).tolist()]
        [1.0, 0.25]
    """
    if scale_invariant:
        return 1 / losses
    return losses.log().mean().exp() / (len(losses) * losses)


def famo(logits: Tensor, losses: Tensor) -> Tensor:
    """z / (L c), z = softmax(logits), c = Σ z / L.

    Example:
        >>> famo(torch.zeros(2), torch.tensor([1., 3.])).tolist()
        [0.75, 0.25]
    """
    share = torch.softmax(logits, 0) / losses
    return share / share.sum()


def famo_slope(logits: Tensor, losses: Tensor, after: Tensor,
               decay: float = 1e-3) -> Tensor:
    """Gradient of FAMO's logits.

    Args:
        logits: (T,), those of the update.
        losses: (T,) before the step.
        after: (T,) of the same batch, after the step.
        decay: Weight decay of the logits.

    Example:
        >>> ones = torch.ones(2)
        >>> famo_slope(torch.zeros(2), ones, ones).tolist()
        [0.0, 0.0]
    """
    z = torch.softmax(logits, 0)
    fall = losses.log() - after.log()
    return z * (fall - (z * fall).sum()) + decay * logits


def adam(slope: Tensor, mean: Tensor, square: Tensor,
         steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Adam's step of numbers that each count their own steps.

    Args:
        slope: (T,).
        mean: (T,) running mean of the slopes.
        square: (T,) that of their squares.
        steps: (T,), this one among them.

    Returns:
        The step (T,), to be multiplied by the learning rate and taken away,
        and the new ``mean`` and ``square``.

    Example:
        >>> zero, one = torch.zeros(1).double(), torch.ones(1).double()
        >>> round(adam(3 * one, zero, zero, one)[0].item(), 6)
        1.0
    """
    mean = .9 * mean + .1 * slope
    square = .999 * square + .001 * slope**2
    size = (square / (1 - .999**steps)).sqrt() + 1e-8
    return mean / (1 - .9**steps) / size, mean, square


def gradnorm_slope(logits: Tensor, losses: Tensor, norms: Tensor,
                   initial: Tensor, present: Tensor,
                   alpha: float = 1.5) -> Tensor:
    """Gradient of GradNorm's logits; weights are T softmax(logits).

    Args:
        logits: (T,) of all tasks.
        losses: (T,); of absent tasks any number.
        norms: (T,) of gradients.
        initial: (T,) losses at the start.
        present: (T,) bool; the slope of absent tasks' norms is 0.
        alpha: Strength with which slow tasks are pushed.

    Example:
        >>> one = torch.ones(2)
        >>> gradnorm_slope(torch.zeros(2), one, torch.tensor([1., 2.]), one,
        ...                one > 0).tolist()
        [-1.5, 1.5]
    """
    weights = len(logits) * torch.softmax(logits, 0)
    pull = (weights * norms)[present]
    speed = (losses / initial)[present]
    target = pull.mean() * (speed / speed.mean())**alpha
    slope = torch.zeros_like(logits)
    slope[present] = torch.sign(pull - target) * norms[present]
    return weights * (slope - (weights * slope).sum() / len(logits))


def equal_norms(norms: Tensor, here: Tensor | None = None) -> Tensor:
    """mean(n) / n: all gradients become as long as the mean.

    Args:
        norms: (T,); 0 of a task that was never met.
        here: (P,) numbers of the tasks that are present; default all.

    Example:
        >>> equal_norms(torch.tensor([1., 3.]))[0].item()
        2.0
    """
    mean = norms[norms > 0].mean()
    return mean / (norms if here is None else norms[here])


def imtl_l(log_scale: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    """IMTL-L's factors e^s, and the slope of e^s L - s in s.

    Example:
        >>> scale, slope = imtl_l(torch.zeros(1), torch.tensor([3.]))
        >>> scale.item(), slope.item()
        (1.0, 2.0)
    """
    scale = log_scale.exp()
    return scale, scale * losses - 1


def stch(losses: Tensor, reference: Tensor, mu: float = 1.0) -> Tensor:
    """T softmax(log(L / reference) / mu) / L: smooth Tchebycheff.

    Example:
        >>> stch(torch.tensor([2., 2.]), torch.tensor([1., 1.])).tolist()
        [0.5, 0.5]
    """
    share = torch.softmax((losses / reference).log() / mu, 0)
    return len(losses) * share / losses


def mgda(gram: Tensor) -> Tensor:
    """Weights on the simplex with the shortest sum of gradients.

    Exact: all faces of the simplex are tried, up to 8 tasks.

    Example:
        >>> weights = mgda(torch.diag(torch.tensor([1., 3.])).double())
        >>> [round(w, 6) for w in weights.tolist()]
        [0.75, 0.25]
    """
    shortest = int(gram.diagonal().argmin())
    best, least = _corner(gram, shortest), gram[shortest, shortest]
    for face in _faces(len(gram)):
        size = len(face)
        system = gram.new_ones(size + 1, size + 1)
        system[:size, :size] = gram[face][:, face]
        system[size, size] = 0
        right = gram.new_zeros(size + 1)
        right[size] = 1
        part = torch.linalg.lstsq(
            system, right[:, None], driver='gelsd').solution[:size, 0]
        if not torch.isfinite(part).all() or (part < -1e-12).any() or abs(
                part.sum() - 1) > 1e-6:
            continue
        weights = gram.new_zeros(len(gram))
        weights[face] = part.clamp(min=0)
        if (value := weights @ gram @ weights) < least:
            best, least = weights, value
    return best


def cagrad(gram: Tensor, c: float = 0.5, rescale: int = 1) -> Tensor:
    """Factors of the gradients: the mean, and a pull to the worst task.

    The minimum over the simplex of wᵀG1/T + c |g₀| √(wᵀGw) is found exactly:
    on each face it follows from a quadratic equation.

    Args:
        gram: (T, T), T up to 8.
        c: Radius as a share of the mean gradient, in [0, 1).
        rescale: 1: divided by 1 + c², as its authors do; 0: not.

    Example:
        >>> cagrad(torch.eye(2).double(), c=0).tolist()
        [0.5, 0.5]
    """
    count = len(gram)
    mean = gram.mean(1)
    radius = c * (gram.mean() + 1e-8).sqrt()

    def cost(weights: Tensor) -> Tensor:
        return weights @ mean + radius * (
            (weights @ gram @ weights).clamp(min=0) + 1e-8).sqrt()

    tried = [mgda(gram)]
    tried += [_corner(gram, i) for i in range(count)]
    tried += [weights for face in _faces(count)
              for weights in _stationary(gram, mean, radius, face)]
    best = min(tried, key=lambda weights: float(cost(weights)))
    length = (best @ gram @ best).clamp(min=0).sqrt()
    pull = radius / (length + 1e-8)
    return (1 / count + pull * best) / (1 + c**2)**rescale


def _stationary(gram: Tensor, mean: Tensor, radius: Tensor,
                face: list[int]) -> list[Tensor]:
    """Points of a face where the cost of CAGrad has no slope along it.

    With u = radius · w / √(wᵀGw): G u = m 1 - mean and uᵀGu = radius².
    """
    part, ones = gram[face][:, face], gram.new_ones(len(face))
    inverse = torch.linalg.pinv(part, hermitian=True)
    p, q = inverse @ ones, inverse @ mean[face]
    a, b, d = p.sum(), q.sum(), mean[face] @ q - radius**2
    root = b * b - a * d
    if not (a > 0 and root >= 0):
        return []
    found = []
    for m in ((b + root.sqrt()) / a, (b - root.sqrt()) / a):
        u = m * p - q
        if u.sum() > 0 and (u >= -1e-12 * u.sum()).all():
            weights = gram.new_zeros(len(gram))
            weights[face] = u.clamp(min=0) / u.clamp(min=0).sum()
            found.append(weights)
    return found


def fairgrad(gram: Tensor, power: float = 1.0, steps: int = 100) -> Tensor:
    """Positive a with (G a)_t = a_t^(-1/power); power 1 is Nash-MTL.

    The minimum of a strictly convex function, by damped Newton steps.

    Args:
        gram: (T, T).
        power: FairGrad's alpha.
        steps: At most so many.

    Returns:
        (T,); NaN where no such a exists, as for opposite gradients.

    Example:
        >>> found = fairgrad(torch.diag(torch.tensor([1., 4.])).double())
        >>> [round(a, 6) for a in found.tolist()]
        [1.0, 0.5]
    """
    ends = gram.diagonal()
    if not (ends > 0).all():
        return torch.full_like(ends, torch.nan)
    exponent = 1 / power
    a = ends**(-1 / (1 + exponent))
    for _ in range(steps):
        slope = gram @ a - a**-exponent
        if slope.abs().max() <= 1e-12 * (a**-exponent).max():
            return a
        curve = gram + torch.diag(exponent * a**(-exponent - 1))
        step, failed = torch.linalg.solve_ex(curve, slope)
        if failed or not torch.isfinite(step).all():
            break
        size, now = 1.0, _fair_cost(gram, a, exponent)
        # no further than nine tenths of the way to 0
        shrinks = step > 0
        if shrinks.any():
            size = min(size, float(.9 * (a / step)[shrinks].min()))
        while size > 1e-12 and not _fair_cost(
                gram, a - size * step, exponent) <= now:
            size /= 2
        if size <= 1e-12:
            break
        a = a - size * step
    wrong = ((gram @ a) * a**exponent - 1).abs().max()
    return a if wrong < 1e-6 else torch.full_like(a, torch.nan)


def _fair_cost(gram: Tensor, a: Tensor, exponent: float) -> Tensor:
    rest = a.log() if exponent == 1 else a**(1 - exponent) / (1 - exponent)
    return a @ gram @ a / 2 - rest.sum()


def gradvac(gram: Tensor, targets: Tensor, order: list[list[int]],
            beta: float = 0.5) -> tuple[Tensor, Tensor]:
    """Gradients are turned until their cosines are those met on average.

    Args:
        gram: (T, T).
        targets: (T, T), running means of the cosines.
        order: For each task the others, in the order in which it meets them.
        beta: Share of the new cosine in the mean.

    Returns:
        Factors (T,), and the new targets.

    Example:
        >>> weights, targets = gradvac(torch.eye(2).double(), torch.zeros(
        ...     2, 2).double(), [[1], [0]])
        >>> weights.tolist()
        [1.0, 1.0]
    """
    norms = gram.diagonal().clamp(min=1e-16).sqrt()
    targets = targets.clone()
    rows = torch.eye(len(gram), dtype=gram.dtype)
    for i, others in enumerate(order):
        for j in others:
            own = (rows[i] @ gram @ rows[i]).clamp(min=1e-16).sqrt()
            cosine = ((rows[i] @ gram)[j] / (own * norms[j])).clamp(-1, 1)
            goal = targets[i, j].clone()
            if cosine < goal:
                rest = (1 - goal**2).clamp(min=1e-16).sqrt()
                rows[i, j] += own * (goal * (1 - cosine**2).sqrt()
                                     - cosine * rest) / (norms[j] * rest)
            targets[i, j] = (1 - beta) * goal + beta * cosine
    return rows.sum(0), targets


def _faces(count: int) -> list[list[int]]:
    """Subsets of two tasks and more.

    Raises:
        ValueError: Too many tasks.
    """
    if count > MAX_FACES:
        raise ValueError(f'an exact solution for {count} tasks would try '
                         f'{2**count} subsets; the limit is {MAX_FACES}')
    return [list(face) for size in range(2, count + 1)
            for face in combinations(range(count), size)]


def _corner(gram: Tensor, task: int) -> Tensor:
    weights = gram.new_zeros(len(gram))
    weights[task] = 1
    return weights
