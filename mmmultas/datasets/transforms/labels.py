"""The labels in the results of a pipeline, whatever their tasks are called.

Boxes of ``det`` and the map of ``seg`` have the keys that MMDetection's and
MMSegmentation's transforms know; labels of other tasks are ``gt_<task>``: a
map, or :class:`~mmmultas.datasets.readers.BoxLabels`.
"""
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from mmdet.structures.bbox import HorizontalBoxes
from numpy.typing import NDArray

from mmmultas.registry import MAP_RULES
from mmmultas.structures import BOXES, DET, kind_of, label_key
from mmmultas.utils.errors import ConfigError

from ..readers import BoxLabels
from .rules import MapRule

__all__ = [
    'BoxLabels', 'box_sets', 'each_map', 'kind_in', 'labelled_boxes',
    'rule_of', 'set_boxes'
]

Results = dict[str, Any]
Boxes = NDArray[np.float32]


def kind_in(results: Mapping[str, Any], task: str) -> str:
    """The kind of a task's labels: of ``kinds``, else implied by its name."""
    return (results.get('kinds') or {}).get(task) or kind_of(task)


@functools.cache
def rule_of(kind: str) -> MapRule:
    """How maps of a kind move.

    Raises:
        ConfigError: Nobody said so.
    """
    rule = MAP_RULES.get(kind)
    if rule is None:
        raise ConfigError(
            f'Labels of the kind {kind!r} have no rule by which they move '
            'with their image: register one in MAP_RULES '
            '(docs/add_a_task.md).')
    found: MapRule = rule()
    return found


def each_map(results: Results) -> Iterator[tuple[str, MapRule]]:
    """Key and rule of every label that is a map and is there."""
    for task in results.get('tasks', ()):
        key, kind = label_key(task), kind_in(results, task)
        if kind != BOXES and key in results:
            yield key, rule_of(kind)
    # a pipeline of others may carry a mask that nobody announces
    if 'gt_seg_map' in results and 'seg' not in results.get('tasks', ()):
        yield 'gt_seg_map', rule_of('classes')


def box_sets(results: Results) -> Iterator[tuple[str, Boxes]]:
    """Task and boxes (M, 4) of every detector whose labels are there."""
    if 'gt_bboxes' in results:
        yield DET, results['gt_bboxes'].tensor.numpy()
    for task in results.get('tasks', ()):
        found = results.get(label_key(task))
        if isinstance(found, BoxLabels):
            yield task, found.bboxes


def labelled_boxes(results: Results, task: str) -> BoxLabels:
    """A task's boxes with their labels; those of the results themselves."""
    if task != DET:
        found: BoxLabels = results[label_key(task)]
        return found
    return BoxLabels(results['gt_bboxes'].tensor.numpy(),
                     results['gt_bboxes_labels'], results['gt_ignore_flags'])


def set_boxes(results: Results,
              task: str,
              boxes: NDArray[Any],
              keep: NDArray[np.bool_] | None = None) -> None:
    """Replace a task's boxes.

    Args:
        results: What the pipeline carries.
        task: The task's name.
        boxes: (M, 4).
        keep: Which of the former boxes these are; all by default.
    """
    boxes = boxes.astype(np.float32)
    if task != DET:
        old = labelled_boxes(results, task)
        old = old if keep is None else old.chosen(keep)
        results[label_key(task)] = old.at(boxes)
        return
    results['gt_bboxes'] = HorizontalBoxes(torch.from_numpy(boxes))
    if keep is not None:
        for key in ('gt_bboxes_labels', 'gt_ignore_flags'):
            results[key] = results[key][keep]
