"""What processes tell one another in an update, in one vector.

Counts decide what a loss is divided by, sums what the log shows and which
tasks are there; both are known before the backward pass.
"""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from mmengine.dist import all_reduce, get_world_size
from torch import Tensor

from ..losses.loss_sum import LossSum

__all__ = ['Pool', 'Sums', 'pool']

#: Task (or a companion's group) → term → loss.
Sums = Mapping[str, Mapping[str, LossSum]]
Term = tuple[str, str]


@dataclass(frozen=True)
class Pool:
    """Losses of an update.

    Attributes:
        losses: ``task.term`` → scalar of this process, with gradient. DDP
            averages gradients over W processes, so it is W times this
            process's sum over the joint count: as one process with the
            joint batch.
        joint: ``task.term`` → the joint mean of all processes, of terms
            that they count together; terms of other processes among them.
        rest: Task → mean over the processes of its other terms: stock heads
            give means of their process.
    """
    losses: dict[str, Tensor]
    joint: dict[str, Tensor]
    rest: dict[str, Tensor]

    def values(self, owner: Callable[[str], str],
               factor: Callable[[str], float]) -> dict[str, Tensor]:
        """The joint loss of each task that some process has labels of.

        Args:
            owner: Of the name of a loss the task (or group) it belongs to.
            factor: What a loss, or the rest of a task, is multiplied by.
        """
        found = {task: factor(task) * value
                 for task, value in self.rest.items()}
        for name, value in self.joint.items():
            task, value = owner(name), factor(name) * value
            found[task] = found[task] + value if task in found else value
        return found

    def logs(self, logs: Mapping[str, Tensor],
             factor: Callable[[str], float | Tensor]) -> dict[str, Tensor]:
        """Values of the log over all processes, in place of this one's.

        Args:
            logs: Scalars by name, ``loss`` among them.
            factor: What a loss, or the rest of a task, is multiplied by.
        """
        terms = {
            name: factor(name) * value for name, value in self.joint.items()
        }
        parts = list(terms.values()) + [
            factor(task) * value for task, value in self.rest.items()
        ]
        loss = torch.stack(parts).sum() if parts else logs['loss'].detach()
        return {**logs, **terms, 'loss': loss}


def pool(sums: Sums, layout: Sequence[Term], tasks: Sequence[str],
         device: torch.device) -> Pool:
    """Divide sums by counts of all processes, in one all-reduce.

    Args:
        sums: Losses of this process.
        layout: Tasks and terms whose counts are joined, on all processes
            alike.
        tasks: Names of the tasks, on all processes alike.
        device: Where the vector is reduced.
    """
    mine = {(task, term): value for task, terms in sums.items()
            for term, value in terms.items()}
    world = get_world_size()
    counted = dict.fromkeys(layout) if world > 1 else {}
    table = torch.zeros(len(counted) + len(tasks), 4, device=device)
    if world > 1:
        table = _reduced(mine, list(counted), tasks, device)
    rows = dict(zip(counted, table))
    losses = {}
    for (task, term), value in mine.items():
        if value.absent:
            continue
        name = f'{task}.{term}'
        row = rows.get((task, term))
        losses[name] = (value.mean() if row is None else
                        value.mean(row[0], row[1]) * world)
    joint = {
        f'{task}.{term}': LossSum(row[2], row[0], row[1]).mean()
        for (task, term), row in rows.items() if row[3] > 0
    }
    rest = {
        task: row[2] / world
        for task, row in zip(tasks, table[len(counted):]) if row[3] > 0
    }
    if world == 1:
        joint = {name: loss.detach() for name, loss in losses.items()}
    return Pool(losses, joint, rest)


def _reduced(mine: Mapping[Term, LossSum], layout: Sequence[Term],
             tasks: Sequence[str], device: torch.device) -> Tensor:
    """Sums over processes of [count, its substitute, sum, present]."""
    empty = torch.zeros(4, device=device)
    rows = []
    for key in layout:
        value = mine.get(key)
        rows.append(empty if value is None else torch.stack([
            value.count.to(empty), empty[0] if value.empty is None else
            value.empty.to(empty), value.total.detach().to(empty),
            empty[0] + (not value.absent)
        ]))
    for task in tasks:
        others = [value.mean().detach().to(empty) for key, value in
                  mine.items()
                  if key[0] == task and key not in layout
                  and not value.absent]
        rows.append(empty if not others else torch.stack(
            [empty[0], empty[0], sum(others, empty[0]), empty[0] + 1]))
    table = torch.stack(rows)
    all_reduce(table)
    return table
