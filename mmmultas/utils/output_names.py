"""Names of output files, one per input, whatever folders inputs lie in."""
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

__all__ = ['INDEX', 'TASKS', 'output_names']

#: Beside masks: image → file, of those that are not named by their stem.
INDEX = 'index.json'
#: In a folder of all tasks: task → its file or folder.
TASKS = 'tasks.json'


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
    # links within a path and ".." would lead out of the output's folder
    real = {path: os.path.abspath(path) for path in paths}
    named = _names_of(list(dict.fromkeys(real.values())))
    return {path: named[place] for path, place in real.items()}


def _names_of(paths: list[str]) -> dict[str, str]:
    same: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        same[PurePath(path).stem].append(path)
    names = {}
    for group in same.values():
        names.update(_told_apart(group))
    taken: defaultdict[str, list[str]] = defaultdict(list)
    for path, name in names.items():
        taken[name].append(path)
    for group in taken.values():
        if len(group) > 1:  # a stem that looks like another's whole name
            names.update(_below_their_root(group))
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
    return _below_their_root(group)


def _below_their_root(group: list[str]) -> dict[str, str]:
    root = os.path.commonpath([os.path.dirname(path) for path in group])
    return {path: os.path.relpath(path, root) for path in group}


def _tail(path: str, depth: int, suffix: bool) -> str:
    pure = PurePath(path) if suffix else PurePath(path).with_suffix('')
    return '/'.join(part for part in pure.parts[-depth:] if part != '/')
