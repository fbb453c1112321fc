"""List files in, split folders out: the file side of the split rules.

The written layout is that of the MulTaS lists: ``VOC2007/MXEdet/train.txt``
(MXEdet, MXEseg, MXEall, the halves MXEdet2 and MXEseg2, and our MXEfull,
the images with both labels) and ``VOC2007/Half/trainval.txt``.
"""
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from mmmultas.utils.errors import ConfigError, DataError

from .checks import read_ids, read_voc_xml
from .splits import (Parts, VOCLists, check_disjoint, fixed_parts,
                     partial_parts, selftrain_parts, validation_ids)

__all__ = [
    'PROTOCOLS', 'boxless', 'count_table', 'read_existing', 'read_lists',
    'write_ids', 'write_splits'
]

PROTOCOLS = ('partial', 'selftrain', 'fixed')
YEARS = ('VOC2007', 'VOC2012')
FOLDERS = dict(
    det='MXEdet',
    seg='MXEseg',
    full='MXEfull',
    all='MXEall',
    det2='MXEdet2',
    seg2='MXEseg2')
#: Ids of each list on the whole of VOC07+12 and SBD (SPEC 1.1, 1.2).
EXPECTED = {
    'MXEdet/train': 7558,
    'MXEseg/train': 7656,
    'MXEfull/train': 10476,
    'MXEall/train': 15214,
    'MXEdet2/train': 3778,
    'MXEseg2/train': 3827,
    'MXEall/val': 1443,
    'Full/trainval': 16551,
    'Half/trainval': 8275,
    'Half2/trainval': 8276,
    'Quarter/trainval': 4137,
    '3Quarter/trainval': 12414,
    'Eighth/trainval': 2068,
    '7Eighth/trainval': 14483,
    'Full/test': 4952
}
#: What is written: list name ('MXEdet/train') → year → ids.
Lists = dict[str, dict[str, Collection[str]]]


def write_splits(source: str | os.PathLike[str],
                 out: str | os.PathLike[str],
                 protocol: str = 'partial',
                 seed: int = 0,
                 existing: str | os.PathLike[str] | None = None,
                 num_det: int = 500,
                 num_seg: int = 360) -> str:
    """Write the lists of a protocol and describe them.

    Args:
        source: A VOCdevkit or a folder of official lists.
        out: Where the lists go.
        protocol: 'partial' (SPEC 1.1), 'selftrain' (SPEC 1.2) or 'fixed'
            (VOC2012's trainaug: ``num_det`` ids keep their boxes, the next
            ``num_seg`` their masks).
        seed: Of every random choice.
        existing: A folder of partial lists to take instead of drawing them.
        num_det: For 'fixed'.
        num_seg: For 'fixed'.

    Returns:
        A table of the counts, beside those of the whole of VOC.

    Raises:
        ConfigError: An unknown protocol.
        DataError: A missing list, or a leak in ``existing``.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f'protocol {protocol!r} is unknown; have '
                          f'{", ".join(PROTOCOLS)}.')
    if existing and protocol != 'partial':
        raise ConfigError('existing lists are taken for the protocol '
                          "'partial' only.")
    if protocol == 'fixed':
        lists = _fixed_lists(source, num_det, num_seg, seed)
    else:
        official = read_lists(source)
        lists = (
            _selftrain_lists(official, seed) if protocol == 'selftrain' else
            _partial_lists(official, seed, existing))
    for name, years in lists.items():
        for year, ids in years.items():
            write_ids(Path(out) / year / f'{name}.txt', ids)
    return count_table(lists)


def read_lists(source: str | os.PathLike[str]) -> VOCLists:
    """Read the official lists below ``source``.

    Args:
        source: A VOCdevkit (``VOC2012/ImageSets/Main/trainval.txt``) or a
            folder of lists (``VOC2012/Main/trainval.txt`` and
            ``VOC2012/mask_ids.txt``). Either year may be missing.

    Raises:
        DataError: No year, or no validation list to keep apart.
    """
    root = Path(source)
    if not any((root / year).is_dir() for year in YEARS):
        raise DataError(f'{root} has neither VOC2007 nor VOC2012; name your '
                        f'VOCdevkit or a folder of its lists.')
    old, new = (_sets(root / year) for year in YEARS)
    val = _ids(new / 'Segmentation/val.txt')
    if (root / 'VOC2012').is_dir() and not val:
        raise DataError(f'{new / "Segmentation/val.txt"} is missing; without '
                        f'it validation images would be trained on.')
    main = _ids(new / 'Main/trainval.txt')
    masks = _mask_ids(root / 'VOC2012')
    return VOCLists(
        main07=_ids(old / 'Main/trainval.txt'),
        seg07=_ids(old / 'Segmentation/trainval.txt'),
        test07=_ids(old / 'Main/test.txt'),
        main12=main,
        seg_train12=_ids(new / 'Segmentation/train.txt'),
        seg_val12=val,
        masks12=masks,
        boxless12=boxless(root / 'VOC2012/Annotations',
                          set(val) | (set(masks) - set(main))))


def boxless(folder: Path, ids: Iterable[str]) -> set[str] | None:
    """Those of ``ids`` whose XML is absent or names no object.

    Returns:
        None where there is no folder of XMLs to ask.
    """
    if not folder.is_dir():
        return None
    present = set(os.listdir(folder))
    return {
        i
        for i in ids if f'{i}.xml' not in present
        or not read_voc_xml(folder / f'{i}.xml').objects
    }


def read_existing(folder: str | os.PathLike[str],
                  official: VOCLists) -> tuple[Parts, set[str]]:
    """Read partial lists in the authors' layout and refuse leaks.

    Args:
        folder: Holds ``VOC2007/MXEdet/train.txt`` and so on.
        official: Tells validation images and masks.

    Returns:
        The parts, 'full' made from 'all' where it is not there, and the
        validation ids.

    Raises:
        DataError: A missing list or a leak.
    """
    root = Path(folder)
    parts: Parts = {}
    for part, name in FOLDERS.items():
        files = {year: root / year / name / 'train.txt' for year in YEARS}
        if part in ('det', 'seg') and not any(
                f.is_file() for f in files.values()):
            raise DataError(f'{files["VOC2012"]} is missing; an existing '
                            f'folder needs {name}/train.txt.')
        found = {year: set(_ids(file)) for year, file in files.items()}
        if any(found.values()):
            parts[part] = found
    if 'full' not in parts and 'all' in parts:
        masks = dict(VOC2007=official.seg07, VOC2012=official.masks12)
        parts['full'] = {
            year: ids & set(masks[year])
            for year, ids in parts['all'].items()
        }
    val = set(_ids(root / 'VOC2012/MXEdet/val.txt')) or validation_ids(
        official)
    return parts, val


def count_table(lists: Mapping[str, Mapping[str, Collection[str]]]) -> str:
    """Counts per year and in sum, beside those of the whole of VOC."""
    rows: list[tuple[str, ...]] = [('list', *YEARS, 'sum', 'full VOC', '')]
    for name, years in lists.items():
        counts = [len(years.get(year, ())) for year in YEARS]
        total, expected = sum(counts), EXPECTED.get(name)
        note = '' if expected in (None, total) else 'differs'
        rows.append((name, *map(str, counts), str(total),
                     '' if expected is None else str(expected), note))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return '\n'.join(
        '  '.join([row[0].ljust(widths[0])] +
                  [c.rjust(w) for c, w in zip(row[1:], widths[1:])]).rstrip()
        for row in rows)


def write_ids(path: str | os.PathLike[str], ids: Collection[str]) -> None:
    """Write a sorted list in one piece; nothing if there are no ids."""
    path = Path(path)
    if not ids:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix('.part')
    part.write_text('\n'.join(sorted(ids)) + '\n', encoding='utf-8')
    os.replace(part, path)


def _partial_lists(official: VOCLists, seed: int,
                   existing: str | os.PathLike[str] | None) -> Lists:
    if existing:
        parts, val = read_existing(existing, official)
    else:
        parts = partial_parts(official, seed)
        val = validation_ids(official)
    check_disjoint(parts['det'], parts['seg'], official.seg_val12 or val)
    lists: Lists = {
        f'{FOLDERS[part]}/train': dict(years)
        for part, years in parts.items()
    }
    for name in ('MXEdet', 'MXEseg', 'MXEall'):
        lists[f'{name}/val'] = {'VOC2012': val}
    return lists


def _selftrain_lists(official: VOCLists, seed: int) -> Lists:
    parts = selftrain_parts(official.main07, official.main12, seed)
    lists: Lists = {f'{name}/trainval': dict(y) for name, y in parts.items()}
    lists['Full/test'] = {'VOC2007': official.test07}
    return lists


def _fixed_lists(source: str | os.PathLike[str], num_det: int, num_seg: int,
                 seed: int) -> Lists:
    sets = _sets(Path(source) / 'VOC2012')
    ids = read_ids(sets / 'Segmentation/trainaug.txt')
    parts = fixed_parts(ids, num_det, num_seg, seed)
    val = read_ids(sets / 'Segmentation/val.txt')
    check_disjoint({'VOC2012': parts['det']}, {'VOC2012': parts['seg']}, val)
    return {
        'FIXdet/train': {'VOC2012': parts['det']},
        'FIXseg/train': {'VOC2012': parts['seg']},
        'FIXall/val': {'VOC2012': val}
    }


def _sets(root: Path) -> Path:
    return root / 'ImageSets' if (root / 'ImageSets').is_dir() else root


def _ids(path: Path) -> list[str]:
    return read_ids(path) if path.is_file() else []


def _mask_ids(root: Path) -> set[str]:
    """VOC2012 ids with a mask: of the pictures, or of the lists."""
    folders = [root / f'SegmentationClass{aug}' for aug in ('', 'Aug')]
    found = {
        path.stem
        for folder in folders if folder.is_dir()
        for path in folder.glob('*.png')
    }
    if found:
        return found
    return set(_ids(root / 'mask_ids.txt')) or {
        i
        for name in ('trainval', 'trainaug')
        for i in _ids(_sets(root) / f'Segmentation/{name}.txt')
    }
