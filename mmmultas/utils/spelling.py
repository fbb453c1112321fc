"""Names of classes that differ by their spelling only."""
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

__all__ = ['alike', 'quoted', 'spellings']


def alike(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Pairs of two label spaces that differ by their spelling only.

    Returns:
        Name → other name; equal ones are not among them.

    Example:
        >>> alike(('Cat', 'dog', 'tv set'), ('tvset', 'cat', 'dog'))
        {'Cat': 'cat', 'tv set': 'tvset'}
    """
    known = list(others)
    plain = {_plain(other): other for other in reversed(known)}
    return {name: plain[_plain(name)] for name in names
            if name not in known and _plain(name) in plain}


def spellings(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Names that differ by case, spaces, hyphens or underscores only.

    Example:
        >>> list(spellings(('Disc', 'square', 'disc', 'stop sign')))
        [('Disc', 'disc')]
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_plain(name)].append(name)
    yield from (tuple(same) for same in groups.values() if len(same) > 1)


def quoted(name: str) -> str:
    """A name as it stands, in quotes where its spaces would not be seen.

    Example:
        >>> quoted('stop sign'), quoted('cat ')
        ('stop sign', "'cat '")
    """
    return name if name == ' '.join(name.split()) else repr(name)


def _plain(name: str) -> str:
    return ''.join(c for c in name.casefold()
                   if not c.isspace() and c not in '-_')
