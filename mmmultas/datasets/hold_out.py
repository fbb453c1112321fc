"""Which images of a folder are held out for validation.

Versions of one photograph stay together: Roboflow's ``NAME.rf.HASH`` by
their names, copies where the caller says so.
"""
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mmmultas.utils.errors import ConfigError, DataError

from .files import read_bytes

__all__ = [
    'RULES', 'check_rule', 'choose_held_out', 'held_out', 'photo_of',
    'pick_part', 'plain_name', 'read_names'
]

#: How ``part`` chooses: 'count' holds out exactly a share of the images,
#: 'hash' lets each image decide for itself, as configs before 0.2 do.
RULES = ('count', 'hash')
_MAX_BYTES = 2**28
_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff',
             '.xml', '.txt')


def photo_of(name: str) -> str:
    """The photograph that an image is a version of.

    Args:
        name: Path without suffix; only its last component counts.

    Example:
        >>> photo_of('train/cat_png.rf.0a1b2c'), photo_of('a/7')
        ('cat_png', '7')
    """
    return name.rpartition('/')[2].partition('.rf.')[0]


def choose_held_out(names: Mapping[str, Sequence[str]],
                    share: float = 0.2,
                    same: Mapping[str, str] | None = None) -> set[str]:
    """Hold out round(share · n) images of every task at once.

    The photographs with the lowest hashes are taken, as long as no task gets
    more than its number: so new images move few others, and an image of two
    tasks is in the same part of both. Fewer are held out only where versions
    of one photograph do not fit; at least one image is, and one is not.

    Args:
        names: Images by task: paths without suffix.
        share: Of the images that are held out.
        same: Name → name of a group, for copies that names do not show.

    Returns:
        The names that are held out.

    Example:
        >>> len(choose_held_out({'det': list('abcdefghij')}, 0.3))
        3
    """
    groups: dict[str, dict[str, set[str]]] = defaultdict(
        lambda: defaultdict(set))
    for task, listed in names.items():
        for name in listed:
            groups[(same or {}).get(name) or photo_of(name)][task].add(name)
    totals = {task: len(set(listed)) for task, listed in names.items()}
    free = {task: min(max(round(share * n), 1), n - 1)
            for task, n in totals.items()}
    order = sorted(groups, key=lambda key: (_fraction(key), key))
    chosen: set[str] = set()
    left = dict(free)
    for key in order:
        counts = {task: len(found) for task, found in groups[key].items()}
        if all(n <= left[task] for task, n in counts.items()):
            chosen |= {n for found in groups[key].values() for n in found}
            left = {t: n - counts.get(t, 0) for t, n in left.items()}
    for task, n in left.items():
        if n and n == free[task]:
            chosen |= _smallest(task, order, groups, totals)
    return chosen


def _smallest(task: str, order: Sequence[str],
              groups: Mapping[str, Mapping[str, set[str]]],
              totals: Mapping[str, int]) -> set[str]:
    """The smallest photograph of a task of which none fitted."""
    mine = [key for key in order if 0 < len(groups[key].get(task, ())) <
            totals[task]]
    if not mine:
        return set()
    key = min(mine, key=lambda k: len(groups[k][task]))
    return {name for found in groups[key].values() for name in found}


def held_out(names: Sequence[str],
             part: str | None,
             share: float = 0.2,
             rule: str = 'hash') -> list[str]:
    """Names of a part of one folder.

    Args:
        names: Paths without suffix; only the last component counts.
        part: 'train', 'val', or None for all.
        share: Of 'val'.
        rule: One of :data:`RULES`. By 'hash' each name decides for itself,
            so that new images move no other one, but a fifth of 40 may be 3
            or 15.
    """
    if part is None or not names:
        return list(names)
    if rule == 'count':
        val = choose_held_out({'': names}, share)
        return [name for name in names if (name in val) == (part == 'val')]
    order = {name: _fraction(name.rpartition('/')[2]) for name in names}
    lowest, highest = min(order.values()), max(order.values())
    val = {n for n, x in order.items()
           if (x < share or x == lowest) and (x < highest or x == lowest)}
    return [name for name in names if (name in val) == (part == 'val')]


def read_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of images, one a line, with or without suffix.

    Args:
        path: A text file, such as VOC's ``ImageSets/Main/train.txt``.

    Raises:
        DataError: It cannot be read, or is empty.
    """
    data = read_bytes(path, 'list of images', _MAX_BYTES)
    try:
        lines = data.decode('utf-8-sig').splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f'{path} is no UTF-8 text; write the names of images, '
                        'one a line.') from error
    names = [plain_name(line) for line in lines if line.strip()]
    if not names:
        raise DataError(f'{path} is empty; name at least one image.')
    return names


def plain_name(line: str) -> str:
    """A line of a list as the name of an image: without suffix.

    Example:
        >>> plain_name('./a/7.jpg')
        'a/7'
    """
    name = line.strip().replace('\\', '/').removeprefix('./')
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[:-len(suffix)]
    return name


def _without_flag(name: str) -> str:
    """VOC's lists of a class have a flag behind the name: ``000012 -1``."""
    head, mark, flag = name.rpartition(' ')
    return head.strip() if mark and flag.lstrip('-') in ('0', '1') else name


def pick_part(names: Sequence[str], listed: Iterable[str],
              part: str | None, origin: str) -> tuple[list[str], list[str]]:
    """Names of a part that a file tells.

    Args:
        names: Paths without suffix.
        listed: Names of the file; those without folder fit in any folder.
        part: None or 'val' for those that are listed, 'train' for others.
        origin: The file, for the message.

    Returns:
        tuple: Names of the part, and what is listed and not there.

    Raises:
        DataError: The part has no image.
    """
    there = {*names, *(n.rpartition('/')[2] for n in names)}
    wanted = {n if n in there else _without_flag(n) for n in listed}
    inside = [n for n in names
              if n in wanted or n.rpartition('/')[2] in wanted]
    known = {*inside, *(n.rpartition('/')[2] for n in inside)}
    lost = sorted(wanted - known)
    kept = set(inside)
    chosen = inside if part != 'train' else [n for n in names
                                             if n not in kept]
    if not chosen:
        raise DataError(
            f'{origin} leaves no image for this part: it names '
            f'{", ".join(sorted(wanted)[:3])} …, the images are called '
            f'{", ".join(list(names)[:3])} …; mend the list.')
    return chosen, lost


def check_rule(rule: str) -> str:
    """Refuse a rule that there is not.

    Raises:
        ConfigError: It is none of :data:`RULES`.
    """
    if rule not in RULES:
        raise ConfigError(f'`val_rule` is {rule!r}; have '
                          f'{" and ".join(RULES)}.')
    return rule


def _fraction(stem: str) -> float:
    digest = hashlib.blake2b(
        stem.encode(errors='surrogatepass'), digest_size=7).digest()
    return int.from_bytes(digest, 'big') / 2**56
