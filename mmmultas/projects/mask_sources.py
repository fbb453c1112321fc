"""Finding out what lies in a folder or file of masks."""
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmmultas.datasets.checks import scan_voc_xml
from mmmultas.datasets.label_map import VOC_CLASSES
from mmmultas.datasets.listing import list_files
from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.utils.errors import ConfigError, DataError

from .class_names import NameList, mask_names
from .data_sources import choose_images, lacking, left_out
from .mask_values import (Legend, MaskValues, Value, count_values,
                          name_values)
from .matching import Claim, MaskMatch, common_end, match_masks, some
from .readers import open_labels, readable, what_lies_there
from .readers.voc import voc_root
from .records import LabelSet, Opened

__all__ = [
    'MaskSource', 'find_masks', 'image_suffix_of', 'images_of', 'legend_of'
]


@dataclass
class MaskSource:
    """Masks and their images.

    Attributes:
        path: What the person named.
        images: Folder of the images.
        masks: Folder of the masks; None where they have to be drawn.
        form: 'PNG masks' or that of the labels.
        names: Of the images that have a mask.
        files: Name of an image → its file.
        suffix: End of the masks' names.
        image_suffix: End of the images' names where it is more than a type.
        values: What the masks hold.
        labels: Shapes to be drawn, and ``pairs`` of names.
        pairs: Name as the labels tell it → name of the image.
        listed: Names of the values beside the masks.
        root: Root in VOC's layout, if it is one.
        is_voc: Whether the masks are VOC's own.
        facts: What a person should know.
        problems: What is wrong and is not found in the config's files.
    """
    path: str
    images: str
    masks: str | None
    form: str
    names: tuple[str, ...]
    files: Mapping[str, str]
    suffix: str = '.png'
    image_suffix: str | None = None
    values: MaskValues = field(default_factory=MaskValues)
    labels: LabelSet | None = None
    pairs: Mapping[str, str] = field(default_factory=dict)
    listed: NameList | None = None
    root: Path | None = None
    is_voc: bool = False
    facts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find_masks(path: str,
               images: str | None,
               option: str,
               suffix: str | None = None,
               places: Sequence[str] = (),
               claims: Sequence[Claim] = ()) -> MaskSource:
    """Look at masks, or at shapes that masks can be drawn of.

    Args:
        path: Of the folder, or of a file with shapes.
        images: Folder of the images; None where the layout tells.
        option: Name of the command-line option, for messages.
        suffix: End of the masks' names, None to find it.
        places: Other folders where the images may lie.
        claims: Files of other labels.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: No masks, or masks that cannot be used.
    """
    root = voc_root(path, 'SegmentationClass', option) if os.path.isdir(
        path) else None
    folder = str(root / 'SegmentationClass') if root else path
    pngs = list_files(folder, '.png')[0] if os.path.isdir(folder) else {}
    opened = None if root else _shapes(path, pngs)
    if opened is not None:
        if suffix is not None:
            raise ConfigError(f'--mask-suffix is of PNG masks: {path} is '
                              f'{opened.form}.')
        return _drawn(path, images, option, opened, places)
    if not pngs:
        raise _no_masks(path, option)
    place = images_of(folder, images, root, option, places, pngs)
    files = list_files(place)[0]
    match = match_masks(pngs, files, option, suffix, claims=claims)
    _refuse_itself(match, files, option)
    source = MaskSource(
        path, place, folder, 'PNG masks', tuple(match.masks), {
            n.removesuffix(match.image_end): f for n, f in files.items()},
        suffix=match.suffix, root=root)
    source.image_suffix = image_suffix_of(source, match)
    source.values = count_values(list(match.masks.values()))
    source.listed = mask_names(
        [Path(folder), *([root] if root else [Path(folder).parent])])
    source.is_voc = root is not None and _is_voc(root)
    source.facts, source.problems = _left_out(match, source, suffix)
    return source


def legend_of(sources: Sequence[MaskSource],
              given: NameList | Sequence[str] | None,
              ignored: Sequence[Value] | None) -> Legend:
    """One legend for the masks of training and validation.

    Args:
        sources: One or two.
        given: What ``--seg-classes`` says.
        ignored: What ``--ignore`` says.

    Raises:
        ConfigError: Masks of two kinds, or names that do not fit.
        DataError: Nothing to tell apart.
    """
    first = sources[0]
    if first.labels is not None:
        if given or ignored:
            raise ConfigError(f'--seg-classes and --ignore are of mask '
                              f'values: {first.path} ({first.form}) has its '
                              f'own names.')
        names: dict[str, None] = {}
        for source in sources:
            assert source.labels is not None
            names |= dict.fromkeys(source.labels.classes)
        space = ('background', ) if first.labels.background else ()
        return Legend((*space, *(n for n in names if n not in space)), None,
                      (255, ), first.form)
    if {s.suffix for s in sources} != {first.suffix}:
        raise ConfigError(f'--seg has masks *{first.suffix} and --val-seg '
                          f'*{sources[1].suffix}: name them alike.')
    values = first.values
    for other in sources[1:]:
        values = _sum(values, other.values)
    return name_values(values, given, first.listed, ignored,
                       all(s.is_voc for s in sources))


def _sum(one: MaskValues, other: MaskValues) -> MaskValues:
    if one.coloured != other.coloured:
        raise ConfigError('--seg and --val-seg: the masks of one have '
                          'colours, those of the other numbers: write all '
                          'masks alike.')
    keys = sorted({*one.masks, *other.masks}, key=lambda v: (str(type(v)), v))
    return MaskValues(
        {k: one.masks.get(k, 0) + other.masks.get(k, 0) for k in keys},
        {k: one.pixels.get(k, 0) + other.pixels.get(k, 0) for k in keys},
        {**other.example, **one.example},
        {k: one.colours.get(k, set()) | other.colours.get(k, set())
         for k in keys if k in one.colours or k in other.colours},
        one.problems + other.problems)


def _shapes(path: str, pngs: Mapping[str, str]) -> Opened | None:
    """Labels that masks are drawn of; PNGs beside them are the images."""
    opened = open_labels(path, 'seg') if os.path.exists(path) else None
    if opened is None or not pngs:
        return opened
    return opened if opened.form in ('LabelMe json', 'CVAT XML') else None


def _drawn(path: str, images: str | None, option: str,
           opened: Opened, places: Sequence[str]) -> MaskSource:
    folder, files, match = choose_images(opened, images, option, places)
    labels = opened.read(files, 'seg')
    names = tuple(match.pairs[p.file_name] for p in labels.pictures
                  if p.file_name in match.pairs)
    if not names or not labels.has_shapes:
        raise DataError(
            f'{option} {path} ({opened.form}) has no shapes of images in '
            f'{folder}: nothing to learn from. The labels name '
            f'{some(list(opened.names))}; the folder holds '
            f'{some(list(files))}.')
    facts, problems = left_out(match, opened, folder)
    bare = [] if labels.paint else lacking(labels, match, opened, 'shape')
    facts += labels.facts
    if labels.background:
        facts.append('pixels outside of all shapes are "background"')
    return MaskSource(
        path, folder, None, opened.form, names, files, labels=labels,
        pairs=match.pairs, facts=facts,
        problems=[*problems, *labels.problems, *bare])


def _no_masks(path: str, option: str) -> Exception:
    if not os.path.isdir(path):
        return ConfigError(f'{option} {path} {what_lies_there(path)}. What '
                           f'can be read: {readable("seg")}.')
    return DataError(
        f'{option} {path} holds no PNG: it {what_lies_there(path)}. Masks '
        f'must be PNGs, since JPEG changes the values. What can be read: '
        f'{readable("seg")}.')


def images_of(folder: str, given: str | None, root: Path | None, option: str,
              places: Sequence[str], pngs: Mapping[str, str]) -> str:
    """The folder with the most images that masks begin with.

    Args:
        folder: Of the masks.
        given: That a person named.
        root: In VOC's layout.
        option: For messages.
        places: Further folders to look at.
        pngs: Name → file of the masks.

    Raises:
        ConfigError: None has such images.
    """
    parent = Path(folder).parent
    looked = [root / 'JPEGImages'] if root else [
        parent / 'images', parent.parent / 'images' / Path(folder).name,
        *map(Path, places), Path(folder)]
    if given is not None:
        if not os.path.isdir(given):
            raise ConfigError(f'{option}-images {given} is no folder: give '
                              f'the folder of the images.')
        if not (Path(given) / 'train').is_dir():
            return given
        looked = [Path(given) / 'train', Path(given)]
    best, most = None, 0
    for place in looked:
        files = list_files(place)[0] if place.is_dir() else {}
        own = {os.path.realpath(f) for f in pngs.values()}
        free = {n for n, f in files.items()
                if os.path.realpath(f) not in own}
        end = common_end(free)
        free |= {name.removesuffix(end) for name in free}
        count = sum(any(mask[:cut] in free
                        for cut in range(len(mask), 0, -1)) for mask in pngs)
        if count > most:
            best, most = str(place), count
    if best is None and given is not None:
        return str(looked[0])  # images with an end of their own
    if best is None:
        raise ConfigError(
            f'{option} needs {option}-images: the folder of the images; '
            f'masks are called {some(sorted(pngs))}, and no image in '
            f'{", ".join(map(str, dict.fromkeys(looked)))} is named so.')
    return best


def _refuse_itself(match: MaskMatch, files: Mapping[str, str],
                   option: str) -> None:
    """Refuse images that are their own masks, byte by byte."""
    pairs = list(match.masks.items())[:5]
    names = {n.removesuffix(match.image_end): f for n, f in files.items()}
    same = [n for n, f in pairs
            if Path(f).read_bytes() == Path(names[n]).read_bytes()]
    if pairs and len(same) == len(pairs):
        name = same[0]
        raise DataError(
            f'{option}: the image {names[name]} and its mask '
            f'{match.masks[name]} are the same picture; name the folder of '
            f'the photographs with {option}-images.')


def image_suffix_of(source: MaskSource, match: MaskMatch) -> str | None:
    """What tells images from masks and from other files, if need be.

    Raises:
        ConfigError: Images of several types.
    """
    together = os.path.realpath(source.images) == os.path.realpath(
        str(source.masks))
    if not match.image_end and not (together and match.suffix == '.png'):
        return None
    types = {os.path.splitext(source.files[n])[1] for n in match.masks}
    if len(types) > 1:
        raise ConfigError(f'The images in {source.images} are of several '
                          f'types ({", ".join(sorted(types))}) and end in '
                          f'{match.image_end!r}: rename them, or make them '
                          f'one type.')
    return match.image_end + types.pop()


def _is_voc(root: Path) -> bool:
    """Whether a root holds VOC's classes, not only its layout."""
    if re.fullmatch(r'VOC20\d\d', root.resolve().name):
        return True
    names: set[str] = set()
    for path in sorted((root / 'Annotations').glob('*.xml'))[:20]:
        try:
            names |= {o.name for o in scan_voc_xml(path)[0].objects}
        except DataError:
            continue
    return bool(names) and names <= set(VOC_CLASSES)


def _left_out(match: MaskMatch, source: MaskSource, suffix: str | None
              ) -> tuple[list[str], list[Problem]]:
    facts, problems = [], []
    if match.suffix != '.png':
        facts.append(f'masks are called *{match.suffix}')
    if source.image_suffix:
        facts.append(f'images are called *{source.image_suffix}')
    if match.spare:
        facts.append(f'left out: {len(match.spare)} images of '
                     f'{source.images} without mask ({some(match.spare)})')
    if match.lost and suffix is not None:
        others = sorted(os.path.basename(f) for f in match.lost)
        facts.append(f'left out: {len(others)} PNGs that end in another way '
                     f'({some(others)})')
    elif match.lost:
        names = [os.path.relpath(f, str(source.masks)) for f in match.lost]
        problems.append(Problem(
            str(source.masks), f'holds {len(names)} PNGs that are taken for '
            f"no mask ({some(names)}): masks are images' names followed by "
            f'{match.suffix}; images are called '
            f'{some(sorted(source.files))}', 'rename or move them', 'match',
            WARNING))
    return facts, problems

