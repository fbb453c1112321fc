"""Which labels a sample carries, as a tuple of task names.

``('det',)`` is "boxes were annotated" (perhaps there are none), ``()`` is
"nothing was annotated". Absence of a name is silence, never a negative.
"""
from collections.abc import Iterable

from mmmultas.utils.errors import ConfigError

__all__ = ['DET', 'SEG', 'parse_tasks']

DET = 'det'
SEG = 'seg'


def parse_tasks(tasks: str | Iterable[str]) -> tuple[str, ...]:
    """Check a config's ``tasks`` and return it as a tuple.

    Args:
        tasks: Names of the annotated tasks, for example ``('det', 'seg')``;
            one name may stand without brackets.

    Raises:
        ConfigError: A name is empty, no identifier, or repeated.

    Example:
        >>> parse_tasks(['det', 'seg'])
        ('det', 'seg')
        >>> parse_tasks('det')
        ('det',)
    """
    names = (tasks, ) if isinstance(tasks, str) else tuple(tasks)
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(f'`tasks` wants task names such as '
                              f"('det', 'seg'), not {name!r}.")
    if len(set(names)) != len(names):
        raise ConfigError(f'`tasks` names a task twice: {names}.')
    return names
