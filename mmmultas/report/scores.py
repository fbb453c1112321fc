"""Means over seeds, and gains over the tasks learnt alone."""
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mmmultas.evaluation.directions import is_lower_better

from .collect import Collection, Group, task_of

__all__ = [
    'Score', 'best_of', 'delta', 'delta_m', 'is_lower_better',
    'primary_metrics', 'score_of', 'summarise'
]


class Score(NamedTuple):
    """A figure over seeds.

    Attributes:
        mean: Mean.
        std: Sample standard deviation (n - 1), None of a single value.
        number: Number of values.
    """
    mean: float
    std: float | None
    number: int


def summarise(values: Iterable[float]) -> Score | None:
    """Mean and sample standard deviation.

    Example:
        >>> summarise([1.0, 3.0])
        Score(mean=2.0, std=1.4142135623730951, number=2)
    """
    known = [v for v in values if math.isfinite(v)]
    if not known:
        return None
    mean = sum(known) / len(known)
    if len(known) == 1:
        return Score(mean, None, 1)
    square = sum((v - mean)**2 for v in known) / (len(known) - 1)
    return Score(mean, math.sqrt(square), len(known))


def score_of(group: Group, metric: str) -> Score | None:
    """A metric of a cell over its seeds."""
    return summarise(run.metrics[metric] for run in group.runs
                     if metric in run.metrics)


def primary_metrics(metrics: Sequence[str]) -> dict[str, str]:
    """Task → the first of its metrics: the one that gains are taken of."""
    found: dict[str, str] = {}
    for metric in metrics:
        found.setdefault(task_of(metric), metric)
    return found


def delta(data: Collection, group: Group, metric: str) -> float | None:
    """Difference of the means to the cell that learns the task alone.

    None where one of them is missing, or the cell is that one.
    """
    base = data.group(data.baseline.get(task_of(metric)))
    if base is None or base.key == group.key:
        return None
    own, other = score_of(group, metric), score_of(base, metric)
    return own.mean - other.mean if own and other else None


def delta_m(data: Collection, group: Group) -> float | None:
    """Mean of the relative gains of its tasks in percent.

    ``100 / T * sum_t s_t * (M_t - B_t) / B_t`` with the primary metric ``M``
    of task ``t``, the baseline's ``B``, and ``s = -1`` where lower is better.
    None where a task has no baseline, or the cell is one.

    Source: Maninis et al., Attentive Single-Tasking of Multiple Tasks,
    CVPR 2019.
    """
    gains = []
    for task, metric in primary_metrics(data.metrics).items():
        if task not in group.tasks:
            continue
        base = data.group(data.baseline.get(task))
        change = delta(data, group, metric)
        reference = score_of(base, metric) if base else None
        if change is None or reference is None or not reference.mean:
            return None
        sign = -1 if is_lower_better(metric) else 1
        gains.append(100 * sign * change / reference.mean)
    return sum(gains) / len(gains) if gains else None


def best_of(values: Mapping[str, float | None],
            lower: bool = False) -> set[str]:
    """Keys of the best value; none where all are the same.

    Example:
        >>> sorted(best_of({'a': 1.0, 'b': 2.0, 'c': None}))
        ['b']
    """
    known = {k: v for k, v in values.items() if v is not None}
    if len(set(known.values())) < 2:
        return set()
    top = (min if lower else max)(known.values())
    return {k for k, v in known.items() if v == top}
