"""The papers' learning rates, each a function of the update alone."""
import math
from collections.abc import Sequence
from typing import Any

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler

from mmmultas.registry import PARAM_SCHEDULERS
from mmmultas.utils.errors import ConfigError

from .streams import Schedule

__all__ = [
    'PartStepLR', 'PolyRestartLR', 'WarmupCosineLR', 'poly_restart',
    'warmup_cosine'
]


def warmup_cosine(step: int, total: int, warmup: int, start: float,
                  final: float) -> float:
    """Factor of the learning rate at ``step``.

    Linear from ``start`` to 1 over ``warmup`` steps, then a cosine to
    ``final`` at ``total``.

    Example:
        >>> warmup_cosine(0, 1000, 500, 0.1, 0.1)
        0.1
        >>> warmup_cosine(500, 1000, 500, 0.1, 0.1)
        1.0
    """
    if step < warmup:
        return start + (1 - start) * step / warmup
    part = (step - warmup) / max(1, total - warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * min(part, 1))) / 2


def poly_restart(step: int, period: int, power: float) -> float:
    """Factor of the learning rate at ``step``: from 1 to 0, again and again.

    Example:
        >>> poly_restart(10000, 10000, 0.9)
        1.0
        >>> round(poly_restart(5000, 10000, 0.9), 4)
        0.5359
    """
    return (1 - step % period / period)**power


class _ClosedFormLR(LRSchedulerMixin, _ParamScheduler):
    """A learning rate that is a function of the update.

    With epoch alternation every stream has a schedule of its own over its
    own updates, as in the released code ([C]); with iteration alternation
    those are the run's.

    Args:
        optimizer: The optimizer (wrapper); given by the runner.
        end: Updates of the run; default all.
        epoch_length: Given by the runner, not used.
    """

    def __init__(self,
                 optimizer: Any,
                 end: int | None = None,
                 by_epoch: bool = False,
                 epoch_length: int | None = None,
                 **kwargs: Any) -> None:
        if by_epoch or end is None:
            raise ConfigError(
                f'`param_scheduler` of type mmmultas.{type(self).__name__} '
                'counts updates: write by_epoch=False.')
        self.total = end
        self._schedule: Schedule | None = None
        super().__init__(optimizer, end=end, by_epoch=False, **kwargs)

    def factor(self, step: int, total: int) -> float:
        """What the learning rate is multiplied by.

        Args:
            step: Updates before this one.
            total: Updates in all.
        """
        raise NotImplementedError

    def bind(self, schedule: Schedule) -> None:
        """Count the active stream's own updates instead of the run's."""
        self._schedule = schedule
        self._apply()

    def _position(self) -> tuple[int, int]:
        """Step and length of the schedule at hand."""
        step, total = self.last_step, self.total
        if self._schedule is None:
            return step, total
        # all streams of an update stand alike: the first one speaks
        name = self._schedule.streams_at(step)[0]
        return (self._schedule.drawn_before(name, step),
                self._schedule.drawn_before(name, total))

    def _get_value(self) -> list[float]:
        factor = self.factor(*self._position())
        return [base * factor for base in self.base_values]

    def _apply(self) -> None:
        for group, value in zip(self.optimizer.param_groups,
                                self._get_value()):
            group[self.param_name] = value
        self._last_value = self._get_value()

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return dict(
            last_step=self.last_step,
            _global_step=self._global_step,
            base_values=list(self.base_values))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Stand there again."""
        super().load_state_dict(state_dict)
        self._apply()


@PARAM_SCHEDULERS.register_module()
class WarmupCosineLR(_ClosedFormLR):
    """Linear warm-up and cosine in one closed form (SPEC 6).

    With epoch alternation every stream has a schedule of its own.

    Args:
        optimizer: The optimizer (wrapper); given by the runner.
        warmup: Steps of warm-up; a run shorter than that warms up over a
            tenth of it.
        start_factor: Factor at step 0.
        eta_min_ratio: Factor at the end.
        **kwargs: ``end``, updates of the run; default all.
    """

    def __init__(self,
                 optimizer: Any,
                 warmup: int = 500,
                 start_factor: float = 0.1,
                 eta_min_ratio: float = 0.1,
                 **kwargs: Any) -> None:
        self.warmup = warmup
        self.start_factor = start_factor
        self.eta_min_ratio = eta_min_ratio
        super().__init__(optimizer, **kwargs)

    def factor(self, step: int, total: int) -> float:
        """:func:`warmup_cosine`."""
        warmup = self.warmup if self.warmup < total else total // 10
        return warmup_cosine(step, total, warmup, self.start_factor,
                             self.eta_min_ratio)


@PARAM_SCHEDULERS.register_module()
class PolyRestartLR(_ClosedFormLR):
    """Polynomial decay to 0 that begins anew (SPEC-INTERDEPENDENT 4).

    MMEngine's ``PolyLR`` stays at 0 where several follow one another.

    Args:
        optimizer: The optimizer (wrapper); given by the runner.
        period: Updates of one decay.
        power: Its exponent.
        **kwargs: ``end``, updates of the run; default all.

    Raises:
        ConfigError: A period below 1, or a power below 0.
    """

    def __init__(self,
                 optimizer: Any,
                 period: int = 10000,
                 power: float = 0.9,
                 **kwargs: Any) -> None:
        if period < 1 or power < 0:
            raise ConfigError('`param_scheduler.period` of '
                              'mmmultas.PolyRestartLR is a number of updates, '
                              '1 or more, and `power` at least 0; got '
                              f'{period} and {power}.')
        self.period = period
        self.power = power
        super().__init__(optimizer, **kwargs)

    def factor(self, step: int, total: int) -> float:
        """:func:`poly_restart`."""
        return poly_restart(step, self.period, self.power)


@PARAM_SCHEDULERS.register_module()
class PartStepLR(LRSchedulerMixin, _ParamScheduler):
    """Multiply the learning rate of some parts every so many steps.

    MTPSL halves that of its network every 100 epochs, and that of the
    factors of FiLM every 30. Parameters that have another rate than others
    are groups of their own in the optimizer, as ``paramwise_cfg`` with
    ``custom_keys`` makes them.

    Args:
        optimizer: The optimizer (wrapper); given by the runner.
        step_size: Steps (epochs, or updates with ``by_epoch=False``).
        gamma: Factor.
        parts: Beginnings of the names of parameters, such as
            ``'companions.xtc.mapping.film'``; default all.
        but: Likewise of parameters that are left out.
        **kwargs: ``begin``, ``end``, ``by_epoch`` as in MMEngine.

    Raises:
        ConfigError: A name that no parameter begins with.
    """

    def __init__(self,
                 optimizer: Any,
                 step_size: int,
                 gamma: float = 0.5,
                 parts: Sequence[str] = (),
                 but: Sequence[str] = (),
                 **kwargs: Any) -> None:
        self.step_size = step_size
        self.gamma = gamma
        self.parts = (parts, ) if isinstance(parts, str) else tuple(parts)
        self.but = (but, ) if isinstance(but, str) else tuple(but)
        self._chosen: list[bool] | None = None
        super().__init__(optimizer, **kwargs)

    def bind_model(self, model: Any) -> None:
        """Find the groups of the optimizer that are meant."""
        for name in (*self.parts, *self.but):
            if not any(n.startswith(name)
                       for n, _ in model.named_parameters()):
                raise ConfigError(
                    f'`param_scheduler` of type mmmultas.PartStepLR names '
                    f'{name!r}, with which no parameter of the model begins: '
                    'mend it.')
        meant = {
            id(p): (not self.parts or name.startswith(self.parts))
            and not (self.but and name.startswith(self.but))
            for name, p in model.named_parameters()
        }
        self._chosen = []
        for group in self.optimizer.param_groups:
            # MMEngine's last group has no parameter: it tells the base rate
            inside = {meant.get(id(p), not self.parts)
                      for p in group['params']}
            if len(inside) > 1:
                raise ConfigError(
                    '`param_scheduler` of type mmmultas.PartStepLR changes '
                    'the learning rate of parts, and the optimizer has one '
                    'for all: give these parts a rate of their own by '
                    '`optim_wrapper.paramwise_cfg`, custom_keys={'
                    f'{(self.parts or self.but)[0]!r}: dict(lr_mult=1.0)'
                    '}.')
            self._chosen += inside

    def _get_value(self) -> list[float]:
        groups = self.optimizer.param_groups
        values = [float(group[self.param_name]) for group in groups]
        if self.last_step == 0 or self.last_step % self.step_size:
            return values
        chosen = self._chosen or [True] * len(groups)
        return [value * self.gamma if own else value
                for value, own in zip(values, chosen)]
