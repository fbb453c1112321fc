"""mmdet's ``DetDataSample`` with the fields of two worlds."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from numpy.typing import NDArray
from torch import Tensor

from mmmultas.utils.errors import ConfigError

from .kinds import CLASSES, canonical_name, field_of

__all__ = ['has_task', 'map_array', 'sem_seg_data', 'view_of', 'viewed_meta']

_PREFIXES = ('gt', 'pred', 'pseudo', 'ignored', 'lost')
_MARKS = tuple(f'{prefix}_' for prefix in _PREFIXES)


def has_task(sample: DetDataSample, task: str) -> bool:
    """Whether ``sample`` carries the label of ``task``.

    Reads the metainfo ``tasks`` alone: an empty ``gt_instances`` says "no
    boxes", a missing task says "not annotated" (DESIGN 2).

    Raises:
        ConfigError: The metainfo has no ``tasks``. That is not "unlabelled",
            but a sample that was packed without them.
    """
    meta = sample.metainfo
    if 'tasks' not in meta:
        raise ConfigError(
            f'{meta.get("img_path", "A sample")} does not say what it is '
            "annotated for: pack samples with dict(type='mmmultas.PackInputs'"
            "), or add 'tasks' to the `meta_keys` of what packs them.")
    return task in meta['tasks']


def sem_seg_data(labels: Tensor) -> PixelData:
    """Wrap an (H, W) or (1, H, W) label map under both of its names.

    mmseg's heads read ``.data``, mmdet's tools ``.sem_seg``; both are the
    same tensor.
    """
    data = PixelData(sem_seg=labels)
    data.data = data.sem_seg
    return data


def map_array(value: Any, kind: str) -> NDArray[Any]:
    """A predicted map as an array: class numbers (H, W), else (H, W[, C]).

    Args:
        value: The field of a sample, on the CPU.
        kind: Of the task.
    """
    if kind == CLASSES:
        return np.asarray(value.sem_seg[0].numpy())
    values = value.data.numpy()
    return np.asarray(
        values[0] if len(values) == 1 else values.transpose(1, 2, 0))


def view_of(sample: Any, task: str, kind: str) -> Any:
    """A sample with one task's label where stock code looks for it.

    Heads and metrics of MMDetection read ``gt_instances``, those of
    MMSegmentation ``gt_sem_seg``; a second detector's boxes are elsewhere.

    Args:
        sample: A ``DetDataSample``, or the dict of one as metrics get it.
        task: The task's name.
        kind: Its kind.

    Returns:
        ``sample`` itself where the task has the kind's own name (``det``,
        ``seg``, ``depth``), else one of the same metainfo that holds this
        task's fields alone, not copied.
    """
    own = canonical_name(kind)
    if task == own:
        return sample
    names = {field_of(task, p): field_of(own, p) for p in _PREFIXES}
    if isinstance(sample, Mapping):
        return {
            **viewed_meta({k: v for k, v in sample.items()
                           if not k.startswith(_MARKS)}, task, own),
            **{new: sample[old] for old, new in names.items()
               if old in sample}
        }
    twin = DetDataSample(metainfo=viewed_meta(sample.metainfo, task, own))
    for old, new in names.items():
        if old in sample:
            setattr(twin, new, sample.get(old))
    return twin


def viewed_meta(meta: Mapping[str, Any], task: str,
                own: str) -> dict[str, Any]:
    """Metainfo that speaks of a task under another name, and of no other.

    Args:
        meta: Metainfo of a sample.
        task: The task's name.
        own: The name that it gets.
    """
    twin = dict(meta)
    if 'tasks' in twin:
        twin['tasks'] = (own, ) * (task in twin['tasks'])
    annotated = twin.pop('annotated', None) or {}
    if task in annotated:
        twin['annotated'] = {own: annotated[task]}
    return twin
