"""How much of their boxes the objects of masks fill, class by class."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mmmultas.models.companions.rates import FillRates
from mmmultas.structures import BOXES, CLASSES, gt_field, has_task, kind_of
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.progress import progress

from .browse import shown_samples

__all__ = ['FillTable', 'fill_rates']


@dataclass(frozen=True)
class FillTable:
    """Rates of one task of masks.

    Attributes:
        task: Its name.
        names: Pixel classes.
        counts: Blobs of each class.
        rates: Share of its box that an object fills, rare classes drawn to
            the mean of all.
    """
    task: str
    names: list[str]
    counts: list[int]
    rates: list[float]

    def text(self) -> str:
        """A table, and the line for a config."""
        lines = [f'{self.task}: share of its box that an object fills']
        lines += [f'  {name:<20} {rate:.2f}  ({count} blobs)'
                  for name, count, rate in zip(self.names, self.counts,
                                               self.rates) if count]
        rates = ', '.join(f'{rate:.3f}' for rate in self.rates)
        return '\n'.join([*lines, f'rates=[{rates}]'])


def fill_rates(cfg: Mapping[str, Any], number: int = 500) -> list[FillTable]:
    """Look at masks as training sees them, those of training streams alone.

    Args:
        cfg: A config with ``train_dataloader``.
        number: Images of each stream that are looked at.

    Raises:
        ConfigError: No stream carries masks.
    """
    loaders = {k: v for k, v in (cfg.get('train_dataloader') or {}).items()
               if v is not None}
    found: dict[str, tuple[FillRates, list[str]]] = {}
    boxes: set[str] = set()
    masks: dict[str, list[Any]] = {}
    for name, loader in loaders.items():
        stream = dict(loader, num_workers=0)
        stream.pop('persistent_workers', None)
        seed = (cfg.get('randomness') or {}).get('seed') or 0
        samples = shown_samples('train', name, stream, seed)
        for _, (meta, _, sample) in zip(
                progress(range(number), what=name), samples):
            tasks = {t: kind_of(t, meta) for t in meta['tasks']}
            for task, kind in tasks.items():
                if kind == BOXES:
                    boxes.update(meta[task]['classes'])
                if kind == CLASSES and has_task(sample, task):
                    names = list(meta[task]['classes'])
                    rates = FillRates(len(names), None, task)
                    found.setdefault(task, (rates, names))
                    masks.setdefault(task, []).append(
                        sample.get(gt_field(task)).sem_seg[0])
            if CLASSES not in tasks.values():
                break  # boxes alone: their names are enough
    if not found:
        raise ConfigError('No stream of `train_dataloader` carries masks '
                          '(`tasks`): there is nothing to measure.')
    return [_table(task, *pair, masks[task], boxes)
            for task, pair in found.items()]


def _table(task: str, rates: FillRates, names: list[str], masks: list[Any],
           boxes: set[str]) -> FillTable:
    objects = [k for k, name in enumerate(names) if name in boxes]
    objects = objects or list(range(1, len(names)))
    rates.learn(((mask, objects) for mask in masks), torch.device('cpu'))
    counts = [int(count) for count in rates.state()['counts']]
    return FillTable(task, names, counts, rates.values().tolist())
