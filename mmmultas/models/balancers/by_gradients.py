"""Rules that look at the tasks' gradients on shared parameters.

What they see is the Gram matrix of these gradients (SPEC-BALANCE 1). PCGrad,
IMTL-G and Aligned-MTL are those of torchjd (MIT).
"""
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from mmmultas.functional import balancing
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .base import Run
from .by_losses import positive, share_of
from .task_balancer import (TaskBalancer, UpdateBalancer, refuse_alternation,
                            seed_of)

__all__ = [
    'IMTL', 'MGDA', 'AlignedMTL', 'CAGrad', 'EqualNorms', 'GradNorm',
    'GradVac', 'PCGrad'
]


class _OfNorms(TaskBalancer):
    """Compares the lengths of gradients of one update, and keeps a state."""
    needs_gram = True

    def meet_run(self, run: Run) -> None:
        """Refuse updates that hold the labels of one stream.

        Raises:
            ConfigError: ``train_cfg.alternate='epoch'``.
        """
        super().meet_run(run)
        refuse_alternation(self, run)


@MODELS.register_module()
class GradNorm(_OfNorms):
    """T softmax(v); v learns to make gradients as long as their tasks lag.

    Heads learn with weight 1, as in LibMTL.

    Args:
        alpha: Strength with which slow tasks are pushed.
        lr: Step of v.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    spares_heads = True
    states = dict(logits=1.0, initial=0.0)
    logits: Tensor
    initial: Tensor

    def __init__(self, alpha: float = 1.5, lr: float = 0.025,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, alpha=alpha, lr=lr)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The weights before the step, and the step."""
        assert gram is not None
        logits, initial = (value.cpu().clone()
                           for value in (self.logits, self.initial))
        weights = len(logits) * torch.softmax(logits, 0)[here]
        if len(here) < 2:  # nothing to compare
            return weights
        first = here[initial[here] == 0]
        whole, norms = torch.ones_like(logits), torch.zeros_like(logits)
        whole[here], norms[here] = losses, gram.diagonal().sqrt()
        initial[first] = whole[first]
        present = torch.zeros(len(logits), dtype=torch.bool)
        present[here] = True
        slope = balancing.gradnorm_slope(
            logits, whole, norms, torch.where(present, initial, 1.), present,
            self.alpha)
        kept = logits.clone()
        kept[here] -= self.lr * slope[here]
        if torch.isfinite(kept).all():
            self.keep('logits', kept)
            self.keep('initial', initial)
        return weights


@MODELS.register_module()
class EqualNorms(_OfNorms):
    """mean(n) / n with running means of the norms n of the gradients.

    The mean is over all tasks that were met so far.

    Args:
        decay: Share of the past in a mean.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    states = dict(norms=0.0)
    norms: Tensor

    def __init__(self, decay: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        share_of(self, decay=decay)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula, on the means that this update has changed."""
        assert gram is not None
        norms, now = self.norms.cpu().clone(), gram.diagonal().sqrt()
        old = norms[here]
        norms[here] = torch.where(
            old > 0, self.decay * old + (1 - self.decay) * now, now)
        self.keep('norms', norms)
        return balancing.equal_norms(norms, here)


class _Spared(UpdateBalancer):
    """Heads learn with weight 1 whatever the shared part hears."""
    needs_gram = spares_heads = True


class _Exact(_Spared):
    """Tries all faces of the simplex of weights."""

    def meet(self, tasks: Sequence[str]) -> None:
        """Refuse more tasks than can be tried.

        Raises:
            ConfigError: More than 8.
        """
        super().meet(tasks)
        if len(tasks) > balancing.MAX_FACES:
            raise ConfigError(
                f'`model.balancer` {type(self).__name__} is solved exactly '
                f'for up to {balancing.MAX_FACES} tasks, and there are '
                f'{len(tasks)}: take mmmultas.NashMTL or mmmultas.PCGrad.')


@MODELS.register_module()
class MGDA(_Exact):
    """The shortest sum of gradients with weights on the simplex.

    Args:
        norm: Gradients are divided by 1 (``'none'``), by their length
            (``'l2'``), by the loss (``'loss'``) or by both (``'loss+'``)
            before; weights are of the gradients themselves.
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, norm: str = 'none', **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if norm not in ('none', 'l2', 'loss', 'loss+'):
            raise ConfigError("`model.balancer.norm` is 'none', 'l2', 'loss' "
                              f"or 'loss+', not {norm!r}.")
        self.norm = norm

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        assert gram is not None
        lengths = gram.diagonal().sqrt()
        unit = {'none': torch.ones_like(losses), 'l2': lengths,
                'loss': losses, 'loss+': losses * lengths}[self.norm]
        return balancing.mgda(gram / unit[:, None] / unit)


@MODELS.register_module()
class CAGrad(_Exact):
    """The mean gradient, and a pull to the task that it serves least.

    Args:
        c: Radius as a share of the mean gradient, above 0 and below 1.
        rescale: 1: divided by 1 + c², as its authors do; 0: not.
        **kwargs: Those of :class:`TaskBalancer`.
    """

    def __init__(self, c: float = 0.5, rescale: int = 1,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        share_of(self, c=c)
        if rescale not in (0, 1):
            raise ConfigError('`model.balancer.rescale` is 0 or 1, not '
                              f'{rescale!r}.')
        self.rescale = rescale

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula."""
        assert gram is not None
        return balancing.cagrad(gram, self.c, self.rescale)


@MODELS.register_module()
class GradVac(_Spared):
    """Gradients are turned until their cosines are those met on average.

    Args:
        beta: Share of the new cosine in the mean (LibMTL 0.5, paper 0.01).
        seed: Of the order in which a task meets the others, beside that of
            the run.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    targets: Tensor

    def __init__(self, beta: float = 0.5, seed: int = 0,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        share_of(self, beta=beta)
        self.seed = seed_of(seed)

    def meet(self, tasks: Any) -> None:
        """Make room for the means of the cosines."""
        super().meet(tasks)
        self.register_buffer('targets', torch.zeros(
            len(tasks), len(tasks), dtype=torch.float64))

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula, on the tasks that are present."""
        assert gram is not None
        generator, count = self.generator(self.seed), len(here)
        order = [[j for j in torch.randperm(
            count, generator=generator).tolist() if j != i]
            for i in range(count)]
        targets = self.targets.cpu().clone()
        where = here[:, None], here[None]
        weights, targets[where] = balancing.gradvac(
            gram, targets[where], order, self.beta)
        self.keep('targets', targets)
        return weights


class _OfTorchJD(_Spared):
    """A weighting of torchjd."""
    #: Its name there.
    weighting = ''

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        try:
            room = import_module('torchjd.aggregation')
        except ImportError as error:
            raise ConfigError(
                f'`model.balancer` {type(self).__name__} is computed by '
                'torchjd, which is not installed: pip install '
                'torchjd.') from error
        self.solve = getattr(room, self.weighting)()

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The weighting of the Gram matrix."""
        weights: Tensor = self.solve(gram)
        return weights


@MODELS.register_module()
class PCGrad(_OfTorchJD):
    """What points against another task's gradient is taken away.

    Args:
        seed: Of the order in which a task meets the others, beside that of
            the run.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    weighting = 'PCGradWeighting'

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed_of(seed)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """With draws that are the same on all processes."""
        with torch.random.fork_rng(devices=[]):
            # the CPU's alone, which is the one that is put back
            torch.default_generator.manual_seed(
                self.generator(self.seed).initial_seed())
            return super().rule(losses, here, gram)


@MODELS.register_module()
class AlignedMTL(_OfTorchJD):
    """Gradients are made orthogonal and of the length of the shortest.

    Args:
        **kwargs: Those of :class:`TaskBalancer`.
    """
    weighting = 'AlignedMTLWeighting'

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """A sum, where torchjd has a mean."""
        return len(losses) * super().rule(losses, here, gram)


@MODELS.register_module()
class IMTL(_OfTorchJD):
    """Equal projections on all gradients (IMTL-G).

    With ``lr`` losses are scaled by a learnt e^s before (IMTL-L), heads too.

    Args:
        lr: Step of s; None: no scales.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    weighting = 'IMTLGWeighting'
    log_scale: Tensor

    def __init__(self, lr: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lr = lr
        if lr is not None:
            positive(self, lr=lr)
            self.states = dict(log_scale=0.0)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """Factors of the gradients as they are, scales included."""
        assert gram is not None
        if self.lr is None:
            return super().rule(losses, here, gram)
        log_scale = self.log_scale.cpu().clone()
        scale, slope = balancing.imtl_l(log_scale[here], losses)
        log_scale[here] -= self.lr * slope
        self.keep('log_scale', log_scale)
        return scale * super().rule(
            losses, here, gram * scale[:, None] * scale)

    def heads(self, losses: Tensor, here: Tensor) -> Tensor:
        """e^s."""
        if self.lr is None:
            return super().heads(losses, here)
        return self.log_scale.cpu()[here].exp()
