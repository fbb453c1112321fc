"""Finding out what lies in a folder or file of boxes or of masks."""
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmmultas.datasets.listing import list_files
from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.utils.errors import ConfigError, DataError

from .matching import Match, match_names, some
from .readers import open_labels, readable, what_lies_there
from .readers.voc import voc_root
from .records import LabelSet, Opened

__all__ = ['BoxSource', 'choose_images', 'find_boxes', 'lacking', 'left_out']


@dataclass
class BoxSource:
    """Boxes and their images.

    Attributes:
        path: What the person named.
        images: Folder of the images.
        boxes: COCO json or folder of XMLs that is read in place; None where
            the labels have to be converted.
        form: Of the labels: 'COCO json', …
        labels: The labels.
        pairs: Name as the labels tell it → name of the image.
        files: Name of an image → its file.
        root: Root in VOC's layout, if it is one.
        facts: What a person should know.
        problems: What is wrong and is not found in the config's files.
    """
    path: str
    images: str
    boxes: str | None
    form: str
    labels: LabelSet
    pairs: Mapping[str, str]
    files: Mapping[str, str]
    root: Path | None = None
    facts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Images that have boxes, or are known to have none."""
        return tuple(self.pairs[p.file_name] for p in self.labels.pictures
                     if p.file_name in self.pairs)

    @property
    def counts(self) -> dict[str, int]:
        """Boxes by class, in the order of the classes."""
        found = Counter(t.name for p in self.labels.pictures
                        if p.file_name in self.pairs for t in p.things
                        if t.bbox is not None)
        return {name: found[name] for name in self.labels.classes}


def find_boxes(path: str,
               images: str | None,
               option: str,
               places: Sequence[str] = ()) -> BoxSource:
    """Look at boxes of any form that there is a reader for.

    Args:
        path: Of the file or folder.
        images: Folder of the images; None where the layout tells.
        option: Name of the command-line option, for messages.
        places: Other folders where the images may lie.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: The labels cannot be read, or there is nothing to learn.
    """
    opened = open_labels(path, 'det') if os.path.exists(path) else None
    if opened is None:
        raise ConfigError(f'{option} {path} {what_lies_there(path)}. What '
                          f'can be read: {readable("det")}.')
    folder, files, match = choose_images(opened, images, option, places)
    labels = opened.read(files, 'det')
    root = voc_root(path, 'Annotations', option) if os.path.isdir(
        path) else None
    in_place = opened.in_place and match.exact and not match.lost
    source = BoxSource(path, folder, opened.path if in_place else None,
                       opened.form, labels, match.pairs, files, root)
    boxes = sum(source.counts.values())
    if not source.names or not boxes:
        raise DataError(_nothing(source, opened, match, option))
    source.facts, source.problems = left_out(match, opened, folder)
    source.facts += labels.facts
    if not in_place:
        source.problems += labels.problems
        source.problems += lacking(labels, match, opened, 'bbox')
    return source


def choose_images(opened: Opened,
                  given: str | None,
                  option: str,
                  others: Sequence[str] = ()
                  ) -> tuple[str, dict[str, str], Match]:
    """The folder of the images, its files, and whose labels they are.

    Args:
        opened: The labels.
        given: The folder that a person named.
        option: '--det', for messages.
        others: Folders that may hold them, besides those of the layout.

    Raises:
        ConfigError: No such folder, or none is named nor found.
    """
    if given is not None and not os.path.isdir(given):
        raise ConfigError(f'{option}-images {given} is no folder: give the '
                          f'folder of the images.')
    best: tuple[str, dict[str, str], Match] | None = None
    places = [*opened.places, *map(Path, others)]
    if given is not None:
        places = [Path(given), Path(given) / 'train']
    for place in dict.fromkeys(places):
        files = list_files(place)[0] if place.is_dir() else {}
        if not files and (given is None or best is not None):
            continue
        match = match_names(opened.names, list(files))
        if best is None or _fit(match) > _fit(best[2]):
            best = str(place), files, match
    if best is None:
        looked = ', '.join(str(p) for p in dict.fromkeys(places))
        raise ConfigError(f'{option} needs {option}-images: the folder of '
                          f'the images (there are none in {looked}).')
    return best


def _fit(match: Match) -> tuple[int, bool]:
    return len(match.pairs), match.exact


def left_out(match: Match, opened: Opened,
             folder: str) -> tuple[list[str], list[Problem]]:
    """What finds no partner: images as a fact, labels as a problem."""
    facts, problems = [], []
    if match.spare:
        facts.append(f'left out: {len(match.spare)} images of {folder} '
                     f'without label ({some(match.spare)})')
    if match.lost:
        problems.append(Problem(
            opened.path, f'has labels of {len(match.lost)} images that are '
            f'not in {folder} ({some(match.lost)}) and are left out; that '
            f'folder holds {some(sorted(match.spare) or ["no others"])}',
            'add the images, or mend the names', 'match', WARNING))
    if not match.exact or opened.form == 'COCO json' and not opened.in_place:
        facts.append('the labels name other folders than there are: images '
                     'were found by the last part of their names')
    return facts, problems


def lacking(labels: LabelSet, match: Match, opened: Opened,
            what: str) -> list[Problem]:
    """Objects that cannot be taught: images would say that none is there.

    Args:
        labels: What was read.
        match: Whose labels they are.
        opened: Where they are.
        what: 'bbox' or 'shape', which objects must have.
    """
    found = [(p.file_name, t.name) for p in labels.pictures
             if p.file_name in match.pairs for t in p.things
             if getattr(t, what) is None]
    if not found:
        return []
    (image, name), count = found[0], len(found)
    lack, as_if, mend = (
        ('no box', 'as if they were not there', 'add their boxes')
        if what == 'bbox' else
        ('no outline', 'and would be background', 'draw their outlines'))
    return [Problem(
        opened.path, f'has {count} object{"s" * (count > 1)} with {lack} '
        f'({name} in {image} for example), which are left out {as_if}',
        f'{mend}, or remove the objects', 'entry')]


def _nothing(source: BoxSource, opened: Opened, match: Match,
             option: str) -> str:
    boxes = sum(source.labels.counts.values())
    told = [p.file_name for p in source.labels.pictures] or list(opened.names)
    text = (
        f'{option} {source.path} ({opened.form}) has {boxes} boxes in '
        f'{len(told)} images, and {len(match.pairs)} of these are in '
        f'{source.images}: nothing to learn from. The labels name '
        f'{some(told)}; the folder holds {some(list(source.files))}.')
    reasons = list(dict.fromkeys(
        f'{p.reason}; {p.mend}' for p in source.labels.problems))
    if reasons:
        more = f' (and {len(reasons) - 3} more)' * (len(reasons) > 3)
        text += f' What is wrong: {" – ".join(reasons[:3])}{more}.'
    return text
