"""What processes tell one another in an update, each in one vector."""
from collections.abc import Mapping, Sequence

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from ..losses.loss_sum import LossSum

__all__ = ['joint_counts', 'joint_logs']


def joint_counts(sums: Mapping[str, Mapping[str, LossSum]],
                 layout: Sequence[tuple[str, str]],
                 device: torch.device) -> dict[tuple[str, str], Tensor]:
    """Counts of all processes, and what stands for a count of 0.

    Args:
        sums: Losses of this process by task and term.
        layout: Tasks and terms, on all processes alike.
        device: Where the vector is reduced.

    Returns:
        dict: (2,) by task and term: the joint count, and its substitute.
    """
    rows = []
    for task, term in layout:
        value = sums.get(task, {}).get(term)
        row = torch.zeros(2, device=device)
        if value is not None:
            row[0] = value.count
            row[1] = 0 if value.empty is None else value.empty
        rows.append(row)
    joint = torch.stack(rows)
    all_reduce(joint)
    return dict(zip(layout, joint))


def joint_logs(logs: Mapping[str, Tensor],
               names: Sequence[str]) -> dict[str, Tensor]:
    """Values of the log over all processes, in place of this one's.

    A loss is W times its share of the joint mean, so the mean over W
    processes is the loss of the joint batch. Means of stock heads, which no
    process counts for the others, stay those of this process.

    Args:
        logs: Scalars by name, ``loss`` among them.
        names: Terms that all processes count, in one order.

    Returns:
        dict: With the terms that other processes alone had labels for.
    """
    zero = logs['loss'].detach().new_zeros(())
    mine = [logs[name].detach() if name in logs else zero for name in names]
    seen = [zero + (name in logs) for name in names]
    joint = torch.stack([logs['loss'].detach(), *mine, *seen]).float()
    all_reduce(joint, op='mean')
    loss, values, seen_by = joint[0], joint[1:1 + len(names)], joint[
        1 + len(names):]
    terms = {
        name: value
        for name, value, count in zip(names, values, seen_by) if count > 0
    }
    return {**logs, **terms, 'loss': loss}
