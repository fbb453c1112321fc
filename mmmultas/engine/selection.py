"""One number by which models are selected, from the metrics of all tasks."""
import math
from collections.abc import Callable, Mapping
from typing import Any

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of, number_of

__all__ = ['DELTA_M', 'Selection', 'selection_score']

#: Mean relative gain over networks for one task each.
DELTA_M = 'delta_m'


def selection_score(metrics: Mapping[str, float],
                    weights: Mapping[str, float]) -> float:
    """The value that models are selected by: sum of weight x metric.

    Args:
        metrics: What the evaluators returned.
        weights: Weight of each metric that counts.

    Raises:
        ConfigError: A weight for a metric that does not exist.

    Example:
        >>> selection_score({'det/mAP': 40., 'seg/mIoU': 60.},
        ...                 {'det/mAP': 1, 'seg/mIoU': 0.5})
        70.0
    """
    total = 0.0
    for name, weight in weights.items():
        if name not in metrics:
            raise ConfigError(
                f'`val_cfg.selection` names {name!r}, but the metrics are '
                f'{sorted(metrics)}.')
        value = float(metrics[name])
        # n/a (no ground truth at all) tells nothing for or against a model
        total += 0.0 if math.isnan(value) else weight * value
    return total


class Selection:
    """How ``score`` comes about.

    Args:
        selection: Weight of each metric, negative where lower is better; or
            ``'delta_m'``, the mean over tasks of the relative gain in
            percent, 100 (M - S) / S, of the opposite sign where lower is
            better (SPEC-MTPSL 4).
        single: For ``'delta_m'``: S, each task's metric of a network that
            learns it alone from the same labels,
            ``{'seg/mIoU': 26.1, 'depth/abs_err': 0.77}``. Several metrics
            of one task count as one task together.
        lower_is_better: Of a metric's name.

    Raises:
        ConfigError: Neither of the two; a weight or value that is no
            number; ``single`` where nobody reads it.

    Example:
        >>> gain = Selection('delta_m', {'seg/mIoU': 50., 'depth/rmse': .5},
        ...                  'depth/rmse'.__eq__)
        >>> gain.score({'seg/mIoU': 55., 'depth/rmse': .4})
        15.0
    """

    def __init__(self,
                 selection: Any,
                 single: Mapping[str, float] | None = None,
                 lower_is_better: Callable[[str], bool] = lambda name: False
                 ) -> None:
        self.single: dict[str, float] = {}
        if selection != DELTA_M:
            if single:
                raise ConfigError(
                    '`val_cfg.single_task` is read with '
                    f"`selection='{DELTA_M}'` alone: set that, or leave it "
                    'out.')
            if isinstance(selection, str):
                raise ConfigError(
                    '`val_cfg.selection` must be a mapping of metrics to '
                    f"weights, or '{DELTA_M}', got {selection!r}.")
            self.weights = _weights(selection)
            return
        self.single = _singles(single)
        tasks = [name.partition('/')[0] for name in self.single]
        share = 100 / len(set(tasks))
        self.weights = {
            name: (-1 if lower_is_better(name) else 1) * share
            / tasks.count(task) / value
            for (name, value), task in zip(self.single.items(), tasks)
        }

    def score(self, metrics: Mapping[str, float]) -> float:
        """The value of a pass; a metric without value adds nothing."""
        gained = dict(metrics)
        for name, value in self.single.items():
            if name in gained:
                gained[name] = float(gained[name]) - value
        score = selection_score(gained, self.weights)
        return round(score, 10) if self.single else score

    def __str__(self) -> str:
        if self.single:
            return 'mean gain in % over ' + ', '.join(
                f'{name} {value:g}' for name, value in self.single.items())
        return ' + '.join(f'{w:g} x {n}' for n, w in self.weights.items())


def _weights(selection: Any) -> dict[str, float]:
    """Weights of metrics other than 0; negative where lower is better."""
    mapping = mapping_of('val_cfg.selection', selection)
    for name, weight in mapping.items():
        number_of(f'the size of `val_cfg.selection` of {name!r}',
                  abs(weight) if type(weight) in (int, float) else weight)
    return {name: weight for name, weight in mapping.items() if weight}


def _singles(single: Any) -> dict[str, float]:
    if not single:
        raise ConfigError(
            f"`val_cfg.selection='{DELTA_M}'` compares with networks for one "
            'task each: name their values, for example single_task={'
            "'seg/mIoU': 26.1, 'depth/abs_err': 0.77}.")
    found = dict(mapping_of('val_cfg.single_task', single))
    for name, value in found.items():
        what = f'`val_cfg.single_task` of {name!r}'
        if number_of(what, value) == 0:
            raise ConfigError(f'{what} is 0: there is no gain relative to '
                              'it; take another metric.')
    return found
