"""What a run is told about the checkpoint that it starts from."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmmultas.utils.errors import CheckpointError

__all__ = ['OtherClasses', 'check_resumable', 'initial_rates', 'other_classes']


@dataclass(frozen=True)
class OtherClasses:
    """A task whose classes are not those of a checkpoint.

    Attributes:
        text: What to say.
        permuted: Whether they are the same classes in another order.
    """
    text: str
    permuted: bool


def other_classes(saved: Mapping[str, Any], given: Mapping[str, Any],
                  source: str) -> OtherClasses | None:
    """A task of whose classes data and checkpoint say otherwise.

    One whose classes stand in another order comes first.

    Args:
        saved: ``classes`` by task, of the checkpoint.
        given: Likewise, of the data.
        source: The checkpoint, for the message.

    Example:
        >>> cats, dogs = (dict(det=dict(classes=c)) for c in ('ab', 'ba'))
        >>> other_classes(cats, dogs, 'x.pth').permuted
        True
        >>> other_classes(cats, cats, 'x.pth') is None
        True
    """
    first: OtherClasses | None = None
    for task, meta in given.items():
        now, then = (tuple((m or {}).get('classes') or ()) if isinstance(
            m, Mapping) else () for m in (meta, saved.get(task)))
        if not now or not then or now == then:
            continue
        permuted = sorted(map(str, now)) == sorted(map(str, then))
        place = next((i for i, pair in enumerate(zip(now, then))
                      if pair[0] != pair[1]), min(len(now), len(then)))
        here, there = (
            repr(names[place]) if place < len(names) else 'none'
            for names in (now, then))
        what = 'the same classes in another order' if permuted else (
            'other classes')
        found = OtherClasses(
            f'Checkpoint {source} has learnt {what} for {task!r}: number '
            f'{place} is {there} there and {here} in the data; give the '
            'names as they were in training, or train the head anew.',
            permuted)
        if permuted:
            return found
        first = first or found
    return first


def initial_rates(wrapper: Any) -> list[float]:
    """The learning rates that schedules start from, of each group.

    Args:
        wrapper: An optimizer wrapper; nothing of a dict of them.
    """
    groups = getattr(wrapper, 'param_groups', ())
    return [] if isinstance(groups, dict) else [
        group.get('initial_lr', group['lr']) for group in groups]


def check_resumable(checkpoint: dict[str, Any], source: str) -> None:
    """Raise unless a checkpoint holds the state of a training run."""
    meta = checkpoint.get('meta', {})
    missing = [key for key in ('epoch', 'iter') if key not in meta]
    missing += [
        key for key in ('state_dict', 'optimizer', 'message_hub')
        if key not in checkpoint
    ]
    if missing:
        raise CheckpointError(
            f'Checkpoint {source} cannot be resumed, since it lacks '
            f'{", ".join(missing)}: give its path as `load_from` to start '
            'a new run from its weights.')
