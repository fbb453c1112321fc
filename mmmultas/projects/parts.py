"""Training and validation: folders and lists that say it, or a hold-out."""
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmmultas.datasets.hold_out import (choose_held_out, photo_of, pick_part,
                                        read_names)
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

from .matching import some

__all__ = ['Lists', 'copies', 'find_lists', 'held_out_of', 'listed_val',
           'other_part', 'training_part']

_WORDS = {'val': ('val', 'valid', 'validation', 'dev'), 'test': ('test', )}
_FOLDERS = dict(det='Main', seg='Segmentation')


@dataclass(frozen=True)
class Lists:
    """Files that say which images are for what.

    Attributes:
        files: 'train' and 'val' → file; empty where they cannot be used.
        counts: Images of each.
        facts: What a person should know.
    """
    files: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Sequence[str] = ()


def training_part(path: str) -> str:
    """``path``, or its folder ``train`` where it is divided into parts."""
    root = Path(path)
    if root.suffix in ('.yaml', '.yml'):  # YOLO's data.yaml
        root = root.parent
    if any((root / name).is_dir()
           for name in ('Annotations', 'SegmentationClass')):
        return path  # VOC's parts are lists
    if root.is_dir() and any(
            p.suffix.lower() in ('.json', '.png', '.xml', '.npy', '.exr')
            for p in root.iterdir() if p.is_file()):
        return path  # labels lie here
    if (root / 'train').is_dir():
        return str(root / 'train')
    if (root / 'labels' / 'train').is_dir():  # YOLO: labels/train
        return str(root / 'labels' / 'train')
    return path


def other_part(path: str | None, part: str) -> str | None:
    """The same file or folder of another part, if there is one.

    ``a/train/x.json`` → ``a/valid/x.json``, ``instances_train2017.json`` →
    ``instances_val2017.json``.

    Args:
        path: Of training.
        part: 'val' or 'test'.
    """
    if path is None:
        return None
    parts = list(Path(path).parts)
    for place in range(len(parts) - 1, -1, -1):
        if not re.search('train', parts[place]):
            continue
        for word in _WORDS[part]:
            name = re.sub('train(ing)?', word, parts[place])
            other = Path(*parts[:place], name, *parts[place + 1:])
            if other.exists():
                return str(other)
    return None


def find_lists(root: Path | None, task: str,
               names: Sequence[str]) -> Lists:
    """VOC's ImageSets of a root.

    Args:
        root: In VOC's layout.
        task: 'det' or 'seg'.
        names: Of the images that have the label.
    """
    folder = root / 'ImageSets' / _FOLDERS[task] if root else None
    if folder is None or not folder.is_dir():
        return Lists()
    found = {part: folder / f'{part}.txt'
             for part in ('train', 'val', 'test', 'trainval')
             if (folder / f'{part}.txt').is_file()}
    facts, counts = [], {}
    for part, file in found.items():
        try:
            counts[part] = len(
                pick_part(names, read_names(file), None, str(file))[0])
        except DataError as error:
            facts.append(f'{file} is not used: {error}')
    if 'train' in counts and 'val' in counts:
        files = {p: str(found[p].resolve()) for p in ('train', 'val')}
        facts.append(f'parts: {folder}/train.txt ({counts["train"]} images) '
                     f'and val.txt ({counts["val"]})')
        listed = {n for p in ('train', 'val', 'test') if p in counts
                  for n in pick_part(names, read_names(found[p]), None,
                                     str(found[p]))[0]}
        spare = [n for n in names if n not in listed]
        if spare:
            facts.append(f'left out: {len(spare)} images that are in none of '
                         f'the lists ({some(spare)})')
        if 'test' in counts:
            facts.append(f'test.txt names {counts["test"]} images, which take '
                         'no part in training and validation')
        return Lists(files, counts, facts)
    if counts:
        facts.append(
            f'{folder} has {", ".join(f"{p}.txt" for p in counts)}, which '
            'are not used, since train.txt and val.txt are needed: images '
            'of test may be trained on')
    return Lists(facts=facts)


def listed_val(folder: Path, task: str, names: Sequence[str]
               ) -> tuple[set[str] | None, list[str]]:
    """Validation as ``train.txt`` and ``val.txt`` beside the images have it.

    Args:
        folder: That holds the folder of the images.
        task: For what is said.
        names: Of the images that have the label.

    Returns:
        tuple: The names to hold out, None where there are no such lists or
        they cannot be used; what a person should know.
    """
    files = {part: folder / f'{part}.txt' for part in ('train', 'val')}
    if not all(file.is_file() for file in files.values()):
        return None, []
    try:
        train, val = (
            set(pick_part(names, read_names(file), None, str(file))[0])
            for file in files.values())
    except DataError as error:
        return None, [f'{files["val"]} is not used: {error}']
    spare = [n for n in names if n not in train | val]
    if spare or train & val:
        why = (f'{len(spare)} images are in neither ({some(spare)})' if spare
               else f'{len(train & val)} images are in both')
        return None, [f'{files["train"]} and val.txt are not used: {why}']
    return val, [f'{task}: {len(val)} of {len(names)} images are held out, '
                 f'those of {files["val"]}']


def held_out_of(names: Mapping[str, Sequence[str]],
                files: Mapping[str, Mapping[str, str]],
                share: float) -> tuple[set[str], list[str]]:
    """Images that are held out, and what to say of them.

    Args:
        names: Of the images by task.
        files: Name → file by task.
        share: That is held out.
    """
    same = copies({f for t, listed in names.items()
                   for f in _files(listed, files[t])})
    chosen = choose_held_out(names, share, same)
    facts = []
    for task, listed in names.items():
        count = sum(n in chosen for n in listed)
        facts.append(f'{task}: {count} of {len(listed)} images are held out '
                     'for validation')
    versions = sum(1 for listed in names.values() for n in listed
                   if '.rf.' in n)
    if versions:
        facts.append(f'{versions} images are versions of photographs '
                     '(.rf. in their names), which stay together')
    if same:
        facts.append(f'{len(same)} images are copies of others by content, '
                     f'which stay together ({some(sorted(same))})')
    return chosen, facts


def _files(names: Sequence[str],
           files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name in files:
            yield name, files[name]


def copies(named: set[tuple[str, str]]) -> dict[str, str]:
    """Name → name of its group, for images whose bytes are the same.

    Args:
        named: (name, file) pairs; only files of one size are read.
    """
    sizes: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name, file in sorted(named):
        sizes[os.path.getsize(file)].append((name, file))
    parent: dict[str, str] = {}

    def group(key: str) -> str:
        while parent.get(key, key) != key:
            key = parent[key]
        return key

    found: set[str] = set()
    several = [alike for alike in sizes.values() if len(alike) > 1]
    for alike in progress(several, what='copies', unit='size'):
        digests: dict[bytes, list[str]] = defaultdict(list)
        for name, file in alike:
            digests[hashlib.blake2b(Path(file).read_bytes()).digest()].append(
                name)
        for names in digests.values():
            keys = sorted({group(photo_of(n)) for n in names})
            for key in keys[1:]:
                parent[key] = keys[0]
                found |= set(names)
    if not found:
        return {}
    wanted = {group(photo_of(n)) for n in found}
    return {name: group(photo_of(name)) for name, _ in named
            if group(photo_of(name)) in wanted}
