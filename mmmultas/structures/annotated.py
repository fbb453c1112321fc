"""Which classes of a task somebody looked for in an image.

The metainfo ``annotated`` of a sample is ``{task: class numbers}``; a task
that it does not name, and a sample without it, is annotated for all classes.
"""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from .tasks import DET

__all__ = ['annotated_for', 'asked_boxes', 'joined_labels', 'unasked_classes']


def annotated_for(meta: Mapping[str, Any],
                  task: str) -> tuple[int, ...] | None:
    """Class numbers that somebody looked for; None for all.

    Args:
        meta: Metainfo of a sample.
        task: The task's name.
    """
    named = (meta.get('annotated') or {}).get(task)
    return None if named is None else tuple(named)


def unasked_classes(metas: Sequence[Mapping[str, Any]], task: str,
                    num_classes: int,
                    device: torch.device | str = 'cpu') -> Tensor | None:
    """Classes that nobody looked for.

    Args:
        metas: Metainfo of N samples.
        task: The task's name.
        num_classes: C.
        device: Of the result.

    Returns:
        (N, C) bool, or None where all N are annotated for all classes.
    """
    asked = [annotated_for(meta, task) for meta in metas]
    if all(classes is None for classes in asked):
        return None
    unasked = torch.zeros(len(metas), num_classes, dtype=torch.bool)
    for row, classes in zip(unasked, asked):
        if classes is not None:
            row[:] = True
            row[list(classes)] = False
    return unasked.to(device)


def asked_boxes(sample: DetDataSample,
                field: str = 'gt_instances') -> InstanceData:
    """Boxes of the classes that somebody looked for.

    Our data sets read no others; those of users may.

    Args:
        sample: A sample.
        field: ``gt_instances`` or ``ignored_instances``.
    """
    boxes: InstanceData = sample.get(field)
    asked = annotated_for(sample.metainfo, DET)
    if asked is None:
        return boxes
    keep = torch.isin(boxes.labels, boxes.labels.new_tensor(asked))
    kept: InstanceData = boxes[keep]
    return kept


def joined_labels(labels: Tensor, unasked: Tensor,
                  ignore_index: int) -> Tensor:
    """Give pixels of all classes that nobody looked for the lowest of them.

    Args:
        labels: (N, H, W) int64.
        unasked: (N, K) bool.
        ignore_index: Stays as it is.

    Example:
        >>> labels = torch.tensor([[[0, 1, 2, 255]]])
        >>> joined_labels(labels, torch.tensor([[True, False, True]]), 255)
        tensor([[[  0,   1,   0, 255]]])
    """
    count = unasked.shape[1]
    numbers = torch.arange(count, device=labels.device)
    lowest = torch.where(unasked, numbers, count).amin(1, keepdim=True)
    table = torch.where(unasked, lowest, numbers)
    known = labels != ignore_index
    places = labels.masked_fill(~known, 0).flatten(1)
    return torch.where(known, table.gather(1, places).view_as(labels), labels)
