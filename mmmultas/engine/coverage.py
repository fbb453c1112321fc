"""Which tasks an update surely has labels of, by the config's word alone."""
from inspect import signature
from typing import Any

from mmmultas.registry import DATASETS
from mmmultas.utils.errors import ConfigError

__all__ = [
    'leaves_stages_unread', 'may_skip_a_head', 'refuse_stray_collectives'
]


def may_skip_a_head(cfg: Any, tasks: set[str]) -> bool:
    """Whether some update may leave a head without labels on a process.

    False only if every update draws, for each task, from a stream whose
    samples all carry it by the config's word.
    """
    if cfg.get('train_cfg') is None or not cfg.get('train_dataloader'):
        return False
    streams = cfg['train_dataloader']
    if cfg['train_cfg'].get('alternate', 'iteration') == 'epoch':
        certain = [_certain_tasks(s.get('dataset', {}))
                   for s in streams.values() if s]
        return not all(tasks <= part for part in certain)
    covered: set[str] = set()
    for stream in streams.values():
        covered |= _certain_tasks((stream or {}).get('dataset', {}))
    return not tasks <= covered


def leaves_stages_unread(model: Any) -> bool:
    """Whether a backbone computes stages that nobody reads."""
    backbone = getattr(model, 'backbone', None)
    stages = getattr(backbone, 'num_stages', None)
    read = getattr(backbone, 'out_indices', None)
    return (isinstance(stages, int) and isinstance(read, list | tuple)
            and max(read, default=stages) + 1 < stages)


def refuse_stray_collectives(cfg: Any, model: Any) -> None:
    """Refuse stock heads whose labels may be missing on one process alone.

    Many of mmdet's heads (FCOS, ATSS) average their counts over processes
    inside the loss: a process that skips the head would hang the others.
    With epoch alternation all skip together, and our heads reduce their
    counts whether there are labels or not.

    Raises:
        ConfigError: Such a head meets a stream of mixed samples.
    """
    train_cfg = cfg.get('train_cfg') or {}
    if train_cfg.get('alternate', 'iteration') == 'epoch':
        streams = [s for s in cfg['train_dataloader'].values() if s]
        if all(_certain_tasks(s.get('dataset', {})) for s in streams):
            return
    for task, head in getattr(model, 'heads', {}).items():
        counted = model.tasks[task].counted_terms(head)
        if not counted and may_skip_a_head(cfg, {task}):
            raise ConfigError(
                f'Over several processes a {type(head).__name__} must have '
                f'labels in every update, but no stream labels {task!r} on '
                'all of its samples: say so in the `tasks` of a data set, '
                'split the mixed stream, or take '
                'mmmultas.MultiLevelAnchorHead or mmmultas.'
                'PanopticFPNSegHead.')


def _certain_tasks(dataset: Any) -> set[str]:
    """Tasks that every sample of a data set's config carries."""
    tasks = dataset.get('tasks', _default_tasks(dataset))
    regime = dataset.get('regime') or {}
    hides = (regime.get('file') or regime.get('only')
             or regime.get('regime', 'full') != 'full')
    alone = isinstance(tasks, str) or len(tasks or ()) == 1
    if hides and not (alone and regime.get('tasks')):
        return set()  # each image keeps some of them
    if tasks is not None:
        certain = {tasks} if isinstance(tasks, str) else set(tasks)
        for subset in dataset.get('subsets') or []:
            certain &= _certain_tasks(dict(tasks=subset.get('tasks', tasks)))
        return certain
    parts = dataset.get('datasets') or [dataset.get('dataset') or {}]
    known = [_certain_tasks(part) if part else set() for part in parts]
    return set.intersection(*known) if known else set()


def _default_tasks(dataset: Any) -> Any:
    """What a class of ours takes where the config names no tasks."""
    kind = dataset.get('type')
    found = DATASETS.get(str(kind)) if isinstance(kind, str) else kind
    if not isinstance(found, type):
        return None
    default = signature(found).parameters.get('tasks')
    return None if default is None or default.default is default.empty \
        else default.default
