"""Names in a list of images that nobody has: typing errors, mostly."""
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

__all__ = ['lists_within', 'unknown_names']

Lost = tuple[str, Collection[str]]


def unknown_names(lists: Iterable[Lost],
                  cfg: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What is to be said of lists with names that no stream has.

    A list may be shared by streams of boxes and of masks, so that each alone
    lacks some of its names.

    Args:
        lists: A file, and those of its names that one data set lacks.
        cfg: The config. Images of folders that it names are known, also
            where ``tasks`` leaves their stream out.

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
    unused = _unused(cfg or {}) if any(common.values()) else set()
    return {called[key]: _clause(sorted(names - unused))
            for key, names in common.items() if names - unused}


def _unused(cfg: Mapping[str, Any]) -> set[str]:
    """Names of images in `det_images`, `seg_images`, … of a config."""
    end = cfg.get('image_suffix')
    found: set[str] = set()
    for folder in filter(os.path.isdir, {
            v for k, v in cfg.items() if k.endswith('_images')
            and isinstance(v, str)}):
        for place, _, files in os.walk(folder):
            inner = os.path.relpath(place, folder).replace(os.sep, '/')
            for file in files:
                name = file.removesuffix(end) if isinstance(end, str) and (
                    file.endswith(end)) else os.path.splitext(file)[0]
                found |= {name, f'{inner}/{name}'}
    return found


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
