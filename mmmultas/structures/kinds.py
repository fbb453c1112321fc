"""What a label is (its kind), and under which names it travels.

A *kind* says how labels behave: boxes are mirrored, depth is divided when an
image is enlarged. A *name* is what a user calls a task, and several tasks may
be of one kind. ``det`` and ``seg`` are names that imply ``boxes`` and
``classes``; a name that is itself a kind implies that kind (``depth``).
"""
from collections.abc import Iterable, Mapping
from typing import Any

from mmmultas.utils.errors import ConfigError

from .tasks import DET, SEG

__all__ = [
    'BOXES', 'CLASSES', 'DEPTH', 'EDGES', 'KINDS', 'NORMALS', 'SALIENCY',
    'canonical_name', 'check_name', 'field_of', 'gt_field', 'ignored_field',
    'kind_of', 'kinds_of', 'label_key', 'lost_field', 'pred_field'
]

BOXES = 'boxes'
CLASSES = 'classes'
EDGES = 'edges'
SALIENCY = 'saliency'
DEPTH = 'depth'
NORMALS = 'normals'
#: Kinds that the package brings; further ones are registered room by room.
KINDS = (BOXES, CLASSES, EDGES, SALIENCY, DEPTH, NORMALS)

_IMPLIED = {DET: BOXES, SEG: CLASSES}
#: Names of losses beside those of tasks, and of what samples carry.
_RESERVED = frozenset({'kd', 'pseudo', 'xtc', 'weak', 'balance', 'tasks'})
#: Stock fields of a sample: ``gt_instances`` is the label of ``det``.
_STOCK = {DET: 'instances', SEG: 'sem_seg'}
#: Keys in a pipeline: MMDetection's and MMSegmentation's transforms know
#: these names.
_STOCK_KEYS = {DET: 'gt_bboxes', SEG: 'gt_seg_map'}
_TAKEN = {
    'instances': DET,
    'bboxes': DET,
    'bboxes_labels': DET,
    'ignore_flags': DET,
    'masks': DET,
    'sem_seg': SEG,
    'seg_map': SEG,
    'panoptic_seg': SEG
}


def kind_of(task: str, meta: Mapping[str, Any] | None = None) -> str:
    """The kind of a task's labels.

    Args:
        task: The task's name.
        meta: Meta information of a data set: ``meta[task]['kind']``.

    Example:
        >>> kind_of('seg'), kind_of('depth')
        ('classes', 'depth')
        >>> kind_of('parts', dict(parts=dict(kind='classes')))
        'classes'
    """
    said = (meta or {}).get(task)
    kind = said.get('kind') if isinstance(said, Mapping) else None
    return str(kind or _IMPLIED.get(task, task))


def kinds_of(tasks: Iterable[str],
             meta: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The kind of each task, by name."""
    return {task: kind_of(task, meta) for task in tasks}


def canonical_name(kind: str) -> str:
    """The name that implies a kind: stock heads and metrics know it.

    Example:
        >>> canonical_name('boxes'), canonical_name('depth')
        ('det', 'depth')
    """
    return next((name for name, own in _IMPLIED.items() if own == kind), kind)


def field_of(task: str, prefix: str) -> str:
    """The field of a sample: ``pseudo_instances``, ``gt_depth``.

    Args:
        task: The task's name.
        prefix: ``'gt'``, ``'pred'``, ``'pseudo'``, ``'ignored'`` or
            ``'lost'``.
    """
    return f'{prefix}_{_STOCK.get(task, task)}'


def gt_field(task: str) -> str:
    """The field that holds a task's label.

    Example:
        >>> gt_field('det'), gt_field('seg'), gt_field('depth')
        ('gt_instances', 'gt_sem_seg', 'gt_depth')
    """
    return field_of(task, 'gt')


def pred_field(task: str) -> str:
    """The field that holds a task's prediction."""
    return field_of(task, 'pred')


def ignored_field(task: str) -> str:
    """The field of boxes that are neither learnt nor background."""
    return field_of(task, 'ignored')


def lost_field(task: str) -> str:
    """The field of boxes that a crop dropped and that are partly in view."""
    return field_of(task, 'lost')


def label_key(task: str) -> str:
    """The key of a task's label in the results of a pipeline.

    Example:
        >>> label_key('det'), label_key('seg'), label_key('parts')
        ('gt_bboxes', 'gt_seg_map', 'gt_parts')
    """
    return _STOCK_KEYS.get(task, f'gt_{task}')


def check_name(task: str, key: str) -> None:
    """Refuse a name of a task that could not be told from others.

    Args:
        task: The name.
        key: Config key, for the message.

    Raises:
        ConfigError: No identifier, reserved, or a stock field's.
    """
    if not isinstance(task, str) or not task.isidentifier():
        raise ConfigError(f'{key} wants names such as det, seg or depth, '
                          f'not {task!r}.')
    if task in _RESERVED:
        raise ConfigError(
            f'{key} names a task {task!r}, a name that is reserved '
            f'({", ".join(sorted(_RESERVED))}): choose another.')
    if task in _TAKEN:
        raise ConfigError(
            f'{key} names a task {task!r}, but `gt_{task}` is a field of '
            f'{_TAKEN[task]!r} already: choose another name.')
