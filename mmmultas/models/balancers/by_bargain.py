"""Weights with which all tasks gain by one share."""
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmmultas.functional import balancing
from mmmultas.registry import MODELS
from mmmultas.utils.errors import ConfigError

from .by_losses import positive
from .task_balancer import UpdateBalancer

__all__ = ['FairGrad', 'NashMTL']


@MODELS.register_module()
class FairGrad(UpdateBalancer):
    """Positive a with (G a)_t = a_t^(-1 / power), by Newton's method.

    Heads are weighed by a as well, as its authors do. torchjd has the same
    factors, by SciPy's least squares; these say where there are none.

    Args:
        power: FairGrad's alpha; 1 is Nash-MTL.
        **kwargs: Those of :class:`TaskBalancer`.
    """
    needs_gram = True

    def __init__(self, power: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        positive(self, power=power)

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula; NaN where it has no solution."""
        assert gram is not None
        return balancing.fairgrad(gram, self.power)


@MODELS.register_module()
class NashMTL(FairGrad):
    """The bargain of tasks that all gain by one share.

    The published code has ``max_norm=1``. The gradient of weights that are
    solved in the update has the length √T, so that there it is a change of
    the encoder's learning rate; weights that are kept may give any length.

    Args:
        every: Weights are solved for again in each so many steps of the
            optimizer, and kept in between, where gradients of tasks need not
            be measured. A task that was not met when they were solved for
            has them solved for at once.
        max_norm: How long the gradient of backbone and neck may be in a step;
            heads are as they are.
        **kwargs: Those of :class:`TaskBalancer`.

    Raises:
        ConfigError: ``every`` is no number of steps.
    """
    kept: Tensor

    def __init__(self, every: int = 1, max_norm: float | None = None,
                 **kwargs: Any) -> None:
        super().__init__(1.0, **kwargs)
        if isinstance(every, bool) or not isinstance(
                every, int) or every < 1:
            raise ConfigError('`model.balancer.every` is a number of steps, 1 '
                              f'or more, not {every!r}.')
        self.every = every
        if max_norm is not None:
            positive(self, max_norm=max_norm)
        if every > 1:  # 0: not known
            self.states = dict(kept=0.0)
        self._solved: dict[str, float] = {}

    def wants_gram(self, losses: Mapping[str, Tensor]) -> bool:
        """In each ``every``-th step, and where a weight is not known."""
        if self.every == 1 or not super().wants_gram(losses):
            return super().wants_gram(losses)
        step = self.update // (self.run.accumulate if self.run else 1)
        known = dict(zip(self.tasks, self.kept.tolist()))
        return step % self.every == 0 or any(
            known[task] == 0 for task in self.present(losses))

    def weights(self, losses: Mapping[str, Tensor],
                gram: Tensor | None = None) -> Mapping[str, float]:
        """Weights of this update, or those that are kept."""
        self._solved, failures = {}, self.fallbacks
        found = super().weights(losses, gram)
        if self.every > 1 and gram is not None and self.fallbacks == failures:
            self._solved = {task: found.get(task, 1.0)
                            for task in self.present(losses)}
        return found

    def rule(self, losses: Tensor, here: Tensor,
             gram: Tensor | None) -> Tensor:
        """The formula; NaN where it has no solution."""
        if gram is None:
            return self.kept.cpu()[here]
        return super().rule(losses, here, gram)

    def commit(self) -> None:
        """Keep the weights of the latest batch that was solved for."""
        super().commit()
        for task, value in self._solved.items():
            self.kept[self.tasks.index(task)] = value
        self._solved = {}
