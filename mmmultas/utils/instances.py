"""What MMEngine keeps for the whole process: loggers, hubs, visualizers."""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer

__all__ = ['as_they_were']


@contextmanager
def as_they_were() -> Iterator[None]:
    """Forget the instances that are made within the scope.

    The next runner of the process would take them for its own if it started
    in the same second, and ``'current'`` would still be theirs.

    Example:
        >>> with as_they_were():
        ...     hub = MessageHub.get_instance('for a moment')
        >>> MessageHub.check_instance_created('for a moment')
        False
    """
    kinds: list[Any] = [MMLogger, MessageHub, *_family(Visualizer)]
    before = {kind: dict(kind._instance_dict) for kind in kinds}
    try:
        yield
    finally:
        for kind in [MMLogger, MessageHub, *_family(Visualizer)]:
            known = before.get(kind, {})
            for name in set(kind._instance_dict) - set(known):
                made = kind._instance_dict.pop(name)
                for handler in getattr(made, 'handlers', ()):
                    handler.close()


def _family(kind: Any) -> list[Any]:
    return [kind, *(x for sub in kind.__subclasses__() for x in _family(sub))]
