"""Which files show the same photograph."""
import os
import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ['photo_key', 'shared_photos']

_ID_2012 = re.compile(r'\d{4}_\d{6}')
_ID_2007 = re.compile(r'\d{6}')


def photo_key(path: str | os.PathLike[str]) -> str:
    """A name that all files of one photograph share.

    That is the path, with links of folders followed; below a folder
    ``VOC2007`` or ``VOC2012`` it is the id, since VOC2012's
    ``2007_xxxxxx`` is VOC2007's ``xxxxxx`` again.

    Example:
        >>> photo_key('data/VOC2007/JPEGImages/000005.jpg')
        'VOC 2007_000005'
        >>> photo_key('kit/VOC2012/JPEGImages/2007_000005.jpg')
        'VOC 2007_000005'
    """
    folder, name = os.path.split(os.fspath(path))
    stem = name.partition('.')[0]
    parts = _parts(folder)
    if 'VOC2007' in parts and _ID_2007.fullmatch(stem):
        return f'VOC 2007_{stem}'
    if 'VOC2012' in parts and _ID_2012.fullmatch(stem):
        return f'VOC {stem}'
    return os.path.join(_real(folder), name)


def shared_photos(train: Iterable[str],
                  held_out: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of paths, one of each side, that show the same photograph.

    Args:
        train: Image files of training.
        held_out: Image files of validation or test.

    Returns:
        Sorted; each file of ``train`` once.
    """
    known = {photo_key(path): path for path in held_out}
    pairs = ((path, known.get(photo_key(path))) for path in dict.fromkeys(
        train))
    return sorted((path, other) for path, other in pairs if other is not None)


@lru_cache(maxsize=4096)
def _parts(folder: str) -> frozenset[str]:
    return frozenset(folder.replace('\\', '/').split('/'))


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    return os.path.realpath(folder)
