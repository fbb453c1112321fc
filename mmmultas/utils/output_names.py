"""Names of output files, one per input, whatever folders inputs lie in."""
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

__all__ = ['INDEX', 'output_names']

#: Beside masks: image → file, of those that are not named by their stem.
INDEX = 'index.json'


def output_names(paths: Iterable[str]) -> dict[str, str]:
    """A name without suffix for each path, unique among them.

    The stem, where no other file has it; else with as many folders as tell
    the files apart, and with the suffix where that is the only difference.

    Example:
        >>> output_names(['x/a/1.jpg', 'x/b/1.jpg', 'x/b/2.jpg', 'x/b/2.png'])
        ... # doctest: +NORMALIZE_WHITESPACE
        {'x/a/1.jpg': 'a/1', 'x/b/1.jpg': 'b/1',
         'x/b/2.jpg': '2.jpg', 'x/b/2.png': '2.png'}
    """
    same: defaultdict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        same[PurePath(path).stem].append(path)
    names = {}
    for group in same.values():
        names.update(_told_apart(group))
    taken: defaultdict[str, list[str]] = defaultdict(list)
    for path, name in names.items():
        taken[name].append(path)
    for group in taken.values():
        if len(group) > 1:  # a stem that looks like another's whole name
            names.update({path: path.strip('/') for path in group})
    return names


def _told_apart(group: list[str]) -> dict[str, str]:
    depth = 1
    deepest = max(len(PurePath(path).parts) for path in group)
    while depth <= deepest:
        for keep in (False, True):
            names = {path: _tail(path, depth, keep) for path in group}
            folders = {path: PurePath(path).parent for path in group}
            if len(set(names.values())) == len(group) and (
                    not keep or len(set(folders.values())) < len(group)):
                return names
        depth += 1
    return {path: path.strip('/') for path in group}


def _tail(path: str, depth: int, suffix: bool) -> str:
    pure = PurePath(path) if suffix else PurePath(path).with_suffix('')
    return '/'.join(part for part in pure.parts[-depth:] if part != '/')
