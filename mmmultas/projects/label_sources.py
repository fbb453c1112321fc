"""Finding out what lies in the folders of further labels."""
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mmmultas.datasets.label_folders import SUFFIXES
from mmmultas.datasets.listing import list_files
from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.datasets.readers.base import read_values
from mmmultas.structures import BOXES, CLASSES, DEPTH, EDGES, SALIENCY
from mmmultas.utils.errors import ConfigError, DataError

from .class_names import parse_names, parse_values
from .data_sources import BoxSource, find_boxes
from .labels import Label, LabelFound, in_words, words
from .mask_sources import (MaskSource, find_masks, image_suffix_of,
                           images_of, legend_of)
from .matching import Claim, match_masks, some
from .parts import training_part
from .project import Project, validation_part

__all__ = ['find_label', 'find_maps']

Found = TypeVar('Found', BoxSource, MaskSource)
#: Files of which the values are looked at before anything is written.
SAMPLE = 5


def find_label(label: Label, places: Sequence[str], project: Project,
               claims: Sequence[Claim] = ()) -> LabelFound:
    """Look at a label: its files, their images, what the values are.

    Args:
        label: What was named.
        places: Further folders where the images may lie.
        project: Gets facts about parts.
        claims: Files of other labels.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: Files that cannot be used.
    """
    source = label.source

    def boxes(path: str, images: str | None) -> BoxSource:
        return find_boxes(path, images, label.option, around)

    def maps(path: str, images: str | None) -> MaskSource:
        if label.kind == CLASSES:
            return find_masks(path, images, label.option, label.suffix,
                              around, claims)
        return find_maps(path, images, label, around, claims)

    def both(find: Callable[[str, str | None], Found]) -> list[Found]:
        train: Found = find(training_part(source.labels), source.images)
        around.insert(0, train.images)
        found = validation_part(project, source, train, label.option, find)
        found.insert(0, train)
        return found

    around = list(places)
    with in_words(label.name):
        parts: Sequence[MaskSource | BoxSource] = (
            both(boxes) if label.kind == BOXES else both(maps))
        found = LabelFound(label, parts)
        if label.kind == CLASSES:
            _name_classes(found)
    if label.kind == BOXES:
        _name_boxes(found)
    elif label.kind == DEPTH:
        _depth(found)
    elif label.kind in (EDGES, SALIENCY):
        _yes_no(found)
    return found


def find_maps(path: str, images: str | None, label: Label,
              places: Sequence[str] = (),
              claims: Sequence[Claim] = ()) -> MaskSource:
    """Look at a folder of maps.

    Args:
        path: The folder.
        images: Folder of the images; None where the layout tells.
        label: What was named.
        places: Further folders where the images may lie.
        claims: Files of other labels.

    Raises:
        ConfigError: No such folder, or images that cannot be found.
        DataError: No maps, or none that belongs to an image.
    """
    end, maps = _files(path, label)
    place = images_of(path, images, None, label.option, places, maps)
    files = list_files(place)[0]
    match = match_masks(maps, files, label.option, label.suffix, end, 'map',
                        claims)
    source = MaskSource(
        path, place, path, f'maps of {label.kind} ({end})',
        tuple(match.masks),
        {n.removesuffix(match.image_end): f for n, f in files.items()},
        suffix=match.suffix)
    source.image_suffix = image_suffix_of(source, match)
    if match.suffix != end:
        source.facts.append(f'maps are called *{match.suffix}')
    if match.spare:
        source.facts.append(f'left out: {len(match.spare)} images of '
                            f'{place} without map ({some(match.spare)})')
    if source.image_suffix:
        source.facts.append(f'images are called *{source.image_suffix}')
    lost = [f for f in match.lost if f.endswith(label.suffix or end)]
    if others := [os.path.basename(f) for f in match.lost if f not in lost]:
        source.facts.append(f'left out: {len(others)} files that end in '
                            f'another way ({some(others)})')
    if lost:
        names = [os.path.relpath(f, path) for f in lost]
        source.problems.append(Problem(
            path, f'holds {len(names)} maps without an image '
            f'({some(names)}); images are called {some(sorted(files))}',
            'add the images, or rename or move the maps', 'match', WARNING))
    return source


def _files(path: str, label: Label) -> tuple[str, dict[str, str]]:
    """The type of the maps, and name → file."""
    if not os.path.isdir(path):
        raise ConfigError(f'{label.option} {path} is no folder: name the '
                          'folder of the maps.')
    ends: tuple[str, ...] = SUFFIXES
    if label.suffix:
        ends = (next((e for e in SUFFIXES if label.suffix.endswith(e)),
                     os.path.splitext(label.suffix)[1]), )
    by_end = {end: files for end in ends
              if (files := list_files(path, end)[0])}
    if not by_end:
        raise DataError(f'{label.option} {path} has no file that ends in '
                        f'{", ".join(ends)}: name the folder of the maps.')
    if len(by_end) > 1:
        told = ' and '.join(f'{e} ({len(f)})' for e, f in by_end.items())
        raise ConfigError(f'{label.option} {path} has maps of several types, '
                          f'{told}: choose by --label-suffix {label.name}='
                          f'{next(iter(by_end))}.')
    return next(iter(by_end.items()))


def _name_boxes(found: LabelFound) -> None:
    counts: Counter[str] = Counter()
    for part in found.boxes:
        counts.update(part.counts)
    empty = [name for name in counts if not counts[name]]
    if empty:
        found.facts.append(f'left out: {len(empty)} classes without a box '
                           f'({some(empty)})')
    found.extra = dict(classes=tuple(n for n in counts if counts[n]))


def _name_classes(found: LabelFound) -> None:
    label = found.label
    names = None if label.classes is None else parse_names(label.classes)
    ignored = None if label.ignore is None else tuple(
        v for text in label.ignore for v in parse_values(text, '--ignore'))
    legend = legend_of(found.maps, names, ignored)
    found.legend = legend
    if legend.doubt:
        reason, mend = legend.doubt
        found.problems.append(Problem(
            found.parts[0].path, reason, words(mend, label.name), 'values',
            WARNING))
    values: Sequence[Any] = legend.values or range(len(legend.names))
    found.extra = dict(classes=legend.names, mask_values=legend.values,
                       ignore_values=legend.ignored)
    pairs = list(zip(legend.names, values))[:30]
    found.facts += [
        words(fact, label.name) for fact in (
            f'classes named by {legend.origin}: '
            f'{", ".join(f"{name} = {value}" for name, value in pairs)}',
            *legend.facts)
    ]


def _sample(found: LabelFound) -> Mapping[str, Any]:
    """Path → values of a few files that can be read."""
    source = found.maps[0]
    values = {}
    for name in source.names[::max(len(source.names) // SAMPLE, 1)][:SAMPLE]:
        path = str(Path(str(source.masks)) / (name + source.suffix))
        try:
            values[path] = read_values(path)
        except (DataError, OSError):
            continue  # the check that follows tells
    return values


def _depth(found: LabelFound) -> None:
    """What one step of the files is."""
    label = found.label
    for path, values in _sample(found).items():
        if values.dtype == np.uint8:
            raise DataError(
                f'{path} has 8 bits, 256 steps of depth: write 16-bit PNGs '
                f'(--scale {label.name}=0.001 for millimetres) or .npy.')
        if values.dtype.kind in 'iu' and label.scale is None:
            known = values[values > 0]
            ends = (f', from {known.min()} to {known.max()}' if known.size
                    else '')
            raise ConfigError(
                f'{label.option}: {path} holds whole numbers{ends}; say what '
                f'one step is, --scale {label.name}=0.001 --unit '
                f'{label.name}=m where they are millimetres.')
    found.extra = dict(scale=label.scale, unit=label.unit)
    if label.unit is None:
        found.facts.append('its unit is not known: --unit '
                           f'{label.name}=m names it in tables and pictures')


def _yes_no(found: LabelFound) -> None:
    """Which value is a yes."""
    label = found.label
    if label.ignore is not None:
        if len(label.ignore) != 1 or not label.ignore[0].isdigit():
            raise ConfigError(f'--label-ignore {label.name} is one value, '
                              f'not {",".join(label.ignore)}.')
        found.extra['ignore'] = int(label.ignore[0])
    values = [v[v != found.extra.get('ignore', -1)]
              for v in _sample(found).values()]
    most = max((v.max() for v in values if v.size), default=0)
    if 0 < most <= 1:
        # whole numbers of 0 and 1, or probabilities
        whole = all((v == np.rint(v)).all() for v in values)
        found.extra['threshold'] = 1 if whole else 0.5
        found.facts.append(f'values are 0 to 1: {found.extra["threshold"]} '
                           'and above is a yes')
    else:
        found.facts.append('128 and above is a yes (`threshold` in the '
                           'config)')
