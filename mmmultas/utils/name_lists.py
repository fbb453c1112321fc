"""Names in a list of images that nobody has: typing errors, mostly."""
import os
from collections.abc import Collection, Iterable, Iterator
from typing import Any

__all__ = ['lists_within', 'unknown_names']

Lost = tuple[str, Collection[str]]


def unknown_names(lists: Iterable[Lost]) -> dict[str, str]:
    """What is to be said of lists with names that no stream has.

    A list may be shared by streams of boxes and of masks, so that each alone
    lacks some of its names.

    Args:
        lists: A file, and those of its names that one data set lacks.

    Returns:
        The file → a clause and what to do, without the full stop.

    Example:
        >>> lists = [('val.txt', {'a', 'b'}), ('val.txt', {'b'})]
        >>> unknown_names(lists)['val.txt'].partition(';')[0]
        'names 1 image that no stream has (b)'
    """
    common: dict[str, set[str]] = {}
    called: dict[str, str] = {}
    for file, lost in lists:
        key = os.path.realpath(file)
        called.setdefault(key, file)
        common[key] = common[key] & set(lost) if key in common else set(lost)
    return {called[key]: _clause(sorted(names))
            for key, names in common.items() if names}


def lists_within(dataset: Any) -> Iterator[Lost]:
    """Of a data set and those that it wraps: lists, and what they lack."""
    found = getattr(dataset, 'lost_names', None)
    if found is not None:
        yield found
    parts = getattr(dataset, 'datasets', None)
    inner = getattr(dataset, 'dataset', None)
    for part in [*(parts or ()), *([inner] if inner is not None else ())]:
        yield from lists_within(part)


def _clause(names: list[str]) -> str:
    some = ', '.join(names[:3]) + ', …' * (len(names) > 3)
    what = ('1 image', 'name', 'it') if len(names) == 1 else (
        f'{len(names)} images', 'names', 'them')
    return (f'names {what[0]} that no stream has ({some}); mend the '
            f'{what[1]}: what is meant by {what[2]} is trained on')
