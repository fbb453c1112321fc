"""Finding out what lies in a folder of boxes or of masks."""
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmmultas.datasets.checks import scan_voc_xml
from mmmultas.datasets.coco import scan_coco
from mmmultas.datasets.colours import colour_name
from mmmultas.datasets.folder import list_files
from mmmultas.datasets.label_map import VOC_CLASSES
from mmmultas.datasets.transforms.loading import decode_colours, decode_mask
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.progress import progress

__all__ = [
    'BoxSource', 'MaskSource', 'find_boxes', 'find_masks', 'name_values'
]

#: Ignored value, and the colour of VOC's borders.
IGNORED = (255, '#e0e0c0')
MOST = 253


@dataclass(frozen=True)
class BoxSource:
    """Boxes and their images.

    Attributes:
        images: Folder of the images.
        boxes: COCO json or folder of XMLs.
        names: Of the images that have boxes or are known to have none.
        counts: Boxes by class, in the order of the classes.
    """
    images: str
    boxes: str
    names: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class MaskSource:
    """Masks and their images.

    Attributes:
        images: Folder of the images.
        masks: Folder of the masks.
        suffix: End of the masks' names.
        names: Of the images that have a mask.
        values: Number or '#rrggbb' → masks that hold it; ascending.
        is_voc: Whether it is a root in VOC's layout.
    """
    images: str
    masks: str
    suffix: str
    names: tuple[str, ...]
    values: Mapping[int | str, int] = field(default_factory=dict)
    is_voc: bool = False


def find_boxes(path: str, images: str | None, option: str) -> BoxSource:
    """Look at a COCO json, a folder of XMLs or a root of VOC's layout.

    Args:
        path: Of the file or folder.
        images: Folder of the images; None where the layout tells.
        option: Name of the command-line option, for messages.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: The json cannot be read, or there are no boxes.
    """
    if os.path.isfile(path):
        folder = _images(images, [Path(path).parent / 'images'], option)
        coco, _ = scan_coco(path)
        present = list_files(folder)[0]
        stems = [os.path.splitext(i.file_name)[0] for i in coco.images]
        boxes = Counter(b.name for i in coco.images for b in i.boxes)
        counts = {name: boxes[name] for name in coco.classes}
        return _boxes(folder, path, stems, present, counts, option)
    root = _root(path, 'Annotations', option)
    xmls = str(root / 'Annotations') if root else path
    places = [root / 'JPEGImages'] if root else [Path(path)]
    listed = list_files(xmls, '.xml')[0] if os.path.isdir(xmls) else {}
    if not listed:
        raise ConfigError(f'{option} {path} is neither a COCO json nor a '
                          f'folder of XMLs nor a VOCdevkit: check the path.')
    folder = _images(images, places, option)
    counted: Counter[str] = Counter()
    for file in progress(listed.values(), what='XMLs', unit='file'):
        try:
            counted.update(o.name for o in scan_voc_xml(file)[0].objects)
        except DataError:
            continue  # the check that follows tells
    present = list_files(folder)[0]
    counts = {name: counted[name] for name in sorted(counted)}
    return _boxes(folder, xmls, list(listed), present, counts, option)


def _boxes(images: str, boxes: str, listed: Sequence[str],
           present: Mapping[str, str], counts: Mapping[str, int],
           option: str) -> BoxSource:
    names = tuple(name for name in listed if name in present)
    if not names or not sum(counts.values()):
        raise DataError(
            f'{option} {boxes} has {sum(counts.values())} boxes and '
            f'{len(names)} of its images are in {images}: nothing to learn '
            f'from; check both paths.')
    return BoxSource(images, boxes, names, counts)


def find_masks(path: str, images: str | None, option: str) -> MaskSource:
    """Look at a folder of masks, or a root of VOC's layout.

    Args:
        path: Of the folder.
        images: Folder of the images; None where the layout tells.
        option: Name of the command-line option, for messages.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: No masks, or masks that cannot be used.
    """
    if not os.path.isdir(path):
        raise ConfigError(f'{option} {path} is no folder: give the folder of '
                          f'the masks.')
    root = _root(path, 'SegmentationClass', option)
    masks = str(root / 'SegmentationClass') if root else path
    folder = _images(images, [root / 'JPEGImages'] if root else [], option)
    files = list_files(masks, '.png')[0]
    if not files:
        raise DataError(f'{option} {masks} holds no PNG: masks must be PNGs, '
                        f'since other formats change the values.')
    present = list_files(folder)[0]
    suffix = _suffix(list(files), set(present))
    end = suffix.removesuffix('.png')
    chosen = {
        name.removesuffix(end): file
        for name, file in files.items()
        if name.endswith(end) and name.removesuffix(end) in present
    }
    if not chosen:
        raise DataError(f'No mask of {option} {masks} is named as an image of '
                        f'{folder}: rename them, or name the folder of their '
                        f'images with {option}-images.')
    return MaskSource(folder, masks, suffix, tuple(chosen),
                      _values(list(chosen.values())), root is not None)


def name_values(
    source: MaskSource, names: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[int | str, ...] | None]:
    """Class names of mask values.

    Args:
        source: The masks.
        names: Class names that a person gave, background included.

    Returns:
        tuple: Names and, unless they are 0, 1, 2, …, their values.

    Raises:
        ConfigError: More or fewer names than values.
    """
    values = [v for v in source.values if v not in IGNORED]
    numbers = [v for v in values if isinstance(v, int)]
    is_plain = len(numbers) == len(values)
    highest = max(numbers, default=-1)
    if source.is_voc and names is None and is_plain and highest <= len(
            VOC_CLASSES):
        return ('background', *VOC_CLASSES), None
    if names is None:
        named = tuple(map(_default_name, values))
        return named, None if values == list(range(len(
            values))) else tuple(values)
    if is_plain and highest < len(names):
        return tuple(names), None
    if len(names) == len(values):
        return tuple(names), tuple(values)
    raise ConfigError(
        f'--seg-classes names {len(names)} classes, but the masks hold '
        f'{len(values)} values ({", ".join(map(str, values[:30]))}): name '
        f'them all in this order, the background too.')


def _default_name(value: int | str) -> str:
    if value in (0, '#000000'):
        return 'background'
    return f'class_{str(value).removeprefix("#")}'


def _root(path: str, folder: str, option: str) -> Path | None:
    """The root of VOC's layout that ``path`` is or holds, if it does."""
    if (Path(path) / folder).is_dir():
        return Path(path)
    below = sorted(p.parent for p in Path(path).glob(f'*/{folder}'))
    if len(below) > 1:
        raise ConfigError(
            f'{option} {path} holds {len(below)} roots: name one, for '
            f'example {below[0]} (several make one data set with '
            f'mmmultas.VOCDataset, see docs/own_data.md).')
    return below[0] if below else None


def _images(given: str | None, places: Sequence[Path], option: str) -> str:
    if given is not None:
        if not os.path.isdir(given):
            raise ConfigError(f'{option}-images {given} is no folder: give '
                              f'the folder of the images.')
        return given
    for place in places:
        if place.is_dir() and list_files(place)[0]:
            return str(place)
    raise ConfigError(f'{option} needs {option}-images: the folder of the '
                      f'images.')


def _suffix(masks: Sequence[str], images: set[str]) -> str:
    """The most frequent end of masks' names behind an image's name."""
    ends: Counter[str] = Counter()
    for name in masks[:200]:
        for cut in range(len(name), 0, -1):
            if name[:cut] in images:
                ends[name[cut:]] += 1
                break
    return (ends.most_common(1)[0][0] if ends else '') + '.png'


def _values(paths: Sequence[str]) -> dict[int | str, int]:
    found: Counter[int | str] = Counter()
    kinds = {}
    for path in progress(paths, what='masks', unit='file'):
        data = Path(path).read_bytes()
        coloured = len(data) > 25 and data[25] in (2, 6)  # PNG: RGB, RGBA
        try:
            raw = (decode_colours if coloured else decode_mask)(data, path)
        except DataError as error:
            if '8 bits' in str(error):
                raise
            continue  # the check that follows tells
        kinds[coloured] = path
        values = np.unique(raw).tolist()
        found.update(map(colour_name, values) if coloured else values)
        if len(found) > MOST + 1:
            raise DataError(
                f'The masks hold more than {MOST} colours, {path} among '
                f'them: smooth edges or photographs? Write one colour or '
                f'number per class.')
    if len(kinds) == 2:
        raise DataError(f'{kinds[True]} has colours and {kinds[False]} has '
                        f'numbers: write all masks alike.')
    return {v: found[v] for v in sorted(found, key=lambda v: (str(type(v)),
                                                               v))}
