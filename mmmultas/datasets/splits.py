"""Who is annotated for what: the split rules of the papers (SPEC 1).

Pure functions of id lists and a seed; files are read and written by
:mod:`mmmultas.datasets.split_lists`.
"""
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from mmmultas.utils.errors import ConfigError, DataError

__all__ = [
    'Pools', 'VOCLists', 'apply_rule', 'check_disjoint', 'fixed_parts',
    'labelled_part', 'partial_parts', 'pools', 'seeded_part',
    'selftrain_parts', 'shuffled', 'validation_ids'
]

#: Of the VOC2012 ids that may go either way, the share that goes to the
#: detection set (SPEC 1.1). 9,118 of the official lists are free: the two
#: ids outside Main trainval are in Segmentation train and count once.
FREE_TO_DET = Fraction(2820, 9118)
_TWIN = '2007_'
#: A use of :func:`shuffled` of its own for the part of each label's images.
_PART_SALTS: dict[tuple[str, ...], int] = {('det', ): 1, ('seg', ): 2}
#: Ids by the name of the part and by year.
Parts = dict[str, dict[str, set[str]]]


@dataclass(frozen=True)
class VOCLists:
    """The official lists that the rules start from.

    Attributes:
        main07: VOC2007 Main trainval.
        seg07: VOC2007 Segmentation trainval.
        test07: VOC2007 Main test.
        main12: VOC2012 Main trainval: exactly the images with boxes, but
            for those of VOC2007 (``2007_*``).
        seg_train12: VOC2012 Segmentation train.
        seg_val12: VOC2012 Segmentation val.
        masks12: VOC2012 ids with a class mask in VOC2012 or SBD.
        boxless12: Ids known to have no boxes; None if only lists are at
            hand.
    """
    main07: Collection[str] = ()
    seg07: Collection[str] = ()
    test07: Collection[str] = ()
    main12: Collection[str] = ()
    seg_train12: Collection[str] = ()
    seg_val12: Collection[str] = ()
    masks12: Collection[str] = ()
    boxless12: Collection[str] | None = None


@dataclass(frozen=True)
class Pools:
    """Training ids of both years, and those of them that have a mask."""
    ids07: set[str]
    ids12: set[str]
    masks07: set[str] = field(default_factory=set)
    masks12: set[str] = field(default_factory=set)


def shuffled(ids: Collection[str], seed: int, salt: int = 0) -> list[str]:
    """A permutation of the sorted ``ids``, alike on every machine.

    Args:
        ids: In any order.
        seed: Of the split.
        salt: Number of the use, so that two draws of one seed differ.

    Example:
        >>> sorted(shuffled({'b', 'a', 'c'}, seed=0))
        ['a', 'b', 'c']
    """
    listed = sorted(ids)
    # RandomState's stream is frozen by numpy, Generator's is not
    order = np.random.RandomState([seed, salt]).permutation(len(listed))
    return [listed[i] for i in order]


def seeded_part(ids: Collection[str],
                fraction: float | Fraction,
                seed: int,
                salt: int = 0) -> list[str]:
    """The first ``fraction`` (rounded down) of a seeded permutation.

    Smaller fractions of one seed are subsets of larger ones.

    Returns:
        Sorted ids.
    """
    if not 0 <= fraction <= 1:
        raise ConfigError(f'`fraction` must be between 0 and 1, not '
                          f'{fraction}.')
    count = int(len(ids) * Fraction(fraction).limit_denominator(10**6))
    return sorted(shuffled(ids, seed, salt)[:count])


def labelled_part(ids: Collection[str], fraction: float,
                  tasks: Sequence[str], seed: int) -> list[str]:
    """The part of a list of labelled images that "fewer data" leaves.

    With ``fraction=0.5`` these are the halves ``MXEdet2`` and ``MXEseg2`` of
    :func:`partial_parts`, list by list.

    Args:
        ids: Images with the labels ``tasks``.
        fraction: In [0, 1]; the count is rounded down.
        tasks: What they are labelled for.
        seed: Of the draw.

    Returns:
        Sorted ids.

    Raises:
        ConfigError: A fraction outside [0, 1].
    """
    salt = _PART_SALTS.get(tuple(tasks), 0)
    return seeded_part(ids, fraction, seed, salt)


def pools(lists: VOCLists) -> Pools:
    """All training ids without validation images and their twins.

    VOC2012's ``2007_n`` is VOC2007's ``n`` under another name: it is used
    under the old name only, and not at all if it is a validation image.
    """
    val = set(lists.seg_val12)
    masks12 = set(lists.masks12)
    ids12 = {
        i
        for i in (set(lists.main12) | masks12) - val if not i.startswith(_TWIN)
    }
    ids07 = {i for i in lists.main07 if _TWIN + i not in val}
    return Pools(ids07, ids12, ids07 & set(lists.seg07), ids12 & masks12)


def partial_parts(lists: VOCLists, seed: int) -> Parts:
    """Disjoint detection and segmentation sets (SPEC 1.1).

    Args:
        lists: Official lists, whole or cut to the images at hand.
        seed: Decides which of the free VOC2012 ids are detection images and
            which ids the halves hold.

    Returns:
        ``{'det': {'VOC2007': A07, 'VOC2012': A12}, 'seg': …, 'full': …,
        'all': …, 'det2': …, 'seg2': …}``; 'full' has both labels, 'det2'
        and 'seg2' are the halves.
    """
    pool = pools(lists)
    outside_main = pool.ids12 - set(lists.main12)
    to_seg = (pool.ids12 & set(lists.seg_train12)) | outside_main
    free = pool.masks12 - to_seg
    to_det = shuffled(free, seed)[:round(len(free) * FREE_TO_DET)]
    det12 = (pool.ids12 - pool.masks12) | set(to_det)
    sets = {
        'det': (pool.ids07 - pool.masks07, det12),
        'seg': (pool.masks07, pool.ids12 - det12),
        'full': (pool.masks07, pool.masks12 - set(lists.boxless12 or ())),
        'all': (pool.ids07, pool.ids12),
    }
    for task in ('det', 'seg'):
        ids07, ids12 = sets[task]
        sets[f'{task}2'] = (set(labelled_part(ids07, 0.5, (task, ), seed)),
                            set(labelled_part(ids12, 0.5, (task, ), seed)))
    return {
        name: {
            'VOC2007': ids07,
            'VOC2012': ids12
        }
        for name, (ids07, ids12) in sets.items()
    }


def validation_ids(lists: VOCLists) -> set[str]:
    """VOC2012 Segmentation val without the images that have no boxes.

    Where no XML can be asked (``boxless12`` is None), the Main lists tell:
    they name every image with boxes but those of VOC2007.
    """
    val = set(lists.seg_val12)
    if lists.boxless12 is not None:
        return val - set(lists.boxless12)
    main = set(lists.main12)
    return {i for i in val if i in main or i.startswith(_TWIN)}


def check_disjoint(det: Mapping[str, Collection[str]],
                   seg: Mapping[str, Collection[str]],
                   val12: Collection[str]) -> None:
    """Refuse sets that share an image, or train on a validation image.

    Args:
        det: Detection ids by year ('VOC2007', 'VOC2012').
        seg: Segmentation ids by year.
        val12: VOC2012 ids of validation.

    Raises:
        DataError: A leak, with its ids; twins (``2007_n``) count.
    """
    leaks = {
        'the detection and the segmentation set':
        _images(det) & _images(seg),
        'training and validation':
        (_images(det) | _images(seg)) & _images({'VOC2012': val12})
    }
    for pair, shared in leaks.items():
        if shared:
            some = ', '.join(sorted(shared)[:3])
            raise DataError(f'{len(shared)} images are in {pair} ({some}); '
                            f'take them out of one of the lists.')


def _images(ids: Mapping[str, Collection[str]]) -> set[str]:
    """One name per photograph: VOC2007's n is ``2007_n``."""
    return {_TWIN + i
            for i in ids.get('VOC2007', ())} | set(ids.get('VOC2012', ()))


def selftrain_parts(main07: Collection[str], main12: Collection[str],
                    seed: int) -> Parts:
    """Nested teacher parts of VOC07+12 trainval and complements (SPEC 1.2).

    Returns:
        ``{'Half': {'VOC2007': ids, 'VOC2012': ids}, 'Half2': …, …}``: Half,
        Quarter and Eighth for the teachers, Half2, 3Quarter and 7Eighth
        their complements, Full all of them.
    """
    both = {f'VOC2007/{i}' for i in main07} | {f'VOC2012/{i}' for i in main12}
    order = shuffled(both, seed)
    parts = {'Full': order}
    for name, rest, share in (('Half', 'Half2', 2), ('Quarter', '3Quarter', 4),
                              ('Eighth', '7Eighth', 8)):
        count = len(order) // share
        parts[name], parts[rest] = order[:count], order[count:]
    return {
        name: {
            year: {i[8:]
                   for i in ids if i.startswith(year)}
            for year in ('VOC2007', 'VOC2012')
        }
        for name, ids in parts.items()
    }


def fixed_parts(ids: Collection[str], num_det: int, num_seg: int,
                seed: int) -> dict[str, list[str]]:
    """Disjoint parts of fixed sizes of one list.

    Args:
        ids: Images with both labels.
        num_det: The first of the permutation keep their boxes.
        num_seg: The next keep their masks.
        seed: Of the permutation of the sorted ids.

    Returns:
        ``{'det': sorted ids, 'seg': sorted ids}``.

    Raises:
        ConfigError: More are asked for than there are.
    """
    if min(num_det, num_seg) < 0 or num_det + num_seg > len(ids):
        raise ConfigError(f'`num_det` {num_det} and `num_seg` {num_seg} do '
                          f'not fit into {len(ids)} images; lower them.')
    order = shuffled(ids, seed)
    return {
        'det': sorted(order[:num_det]),
        'seg': sorted(order[num_det:num_det + num_seg])
    }


def apply_rule(ids: Collection[str], rule: Mapping[str, Any]) -> list[str]:
    """Take the part of ``ids`` that a config's rule names.

    Args:
        ids: The source list.
        rule: ``dict(type='fixed', part='det'|'seg', num_det=…, num_seg=…,
            seed=0)`` or ``dict(type='fraction', fraction=0.5, seed=0,
            rest=False)`` (``rest`` takes the complement).

    Raises:
        ConfigError: An unknown rule, or missing or unknown keys.
    """
    keys = dict(rule)
    kind = keys.pop('type', None)
    if kind not in _RULES:
        raise ConfigError(f'split rule {kind!r} is unknown; have '
                          f'{", ".join(sorted(_RULES))}.')
    try:
        return list(_RULES[kind](ids, **keys))
    except TypeError as error:
        raise ConfigError(f'split rule {kind!r} has a wrong or missing key '
                          f'({error}).') from error


def _fixed(ids: Collection[str],
           *,
           part: str,
           num_det: int,
           num_seg: int,
           seed: int = 0) -> Sequence[str]:
    parts = fixed_parts(ids, num_det, num_seg, seed)
    if part not in parts:
        raise ConfigError(f"split rule 'fixed': `part` is {part!r}; have det "
                          f'and seg.')
    return parts[part]


def _fraction(ids: Collection[str],
              *,
              fraction: float,
              seed: int = 0,
              rest: bool = False) -> Sequence[str]:
    part = seeded_part(ids, fraction, seed)
    return sorted(set(ids) - set(part)) if rest else part


_RULES: dict[str, Any] = {'fixed': _fixed, 'fraction': _fraction}
