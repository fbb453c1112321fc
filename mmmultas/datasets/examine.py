"""Looking at every file of an image, and saying all that is wrong."""
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError
from mmmultas.utils.pictures import orientation_of, swaps_sides

from .box_files import class_hint
from .checks import scan_voc_xml
from .colours import ColourTable, colour_name
from .decode import decode_colours, decode_mask
from .files import bits_of, png_palette, read_bytes
from .label_map import INVALID
from .map_facts import MapFacts, facts_of, read_label
from .mtan import LoadArrayImage
from .problems import WARNING, Problem, problem_of
from .transforms.loading import LoadImage

__all__ = [
    'Box', 'Finding', 'Item', 'Rules', 'box_problems', 'examine', 'xml_boxes'
]

#: Tools differ by one pixel in what they call the border.
TOLERANCE = 1.0


@dataclass(frozen=True)
class Box:
    """A box of known class.

    Attributes:
        name: Its class.
        label: The class's number.
        bbox: xyxy in pixels, from 0.
        ignore: A crowd, or a difficult one.
        passed_over: It is neither learnt nor judged.
    """
    name: str
    label: int
    bbox: tuple[float, ...]
    ignore: bool = False
    passed_over: bool = False


@dataclass(frozen=True, eq=False)
class Item:
    """The files of an image; labels that are withheld are not in it.

    Attributes:
        image: The image.
        tasks: Whose labels are to be looked at.
        xml: Annotation that is to be read.
        boxes: Boxes that are known already.
        origin: File that ``boxes`` come from.
        known_boxes: Their places have been looked at already.
        size: (height, width) that ``origin`` tells.
        mask: The mask.
        table: Mask value (or colour) → train id.
        maps: Of further tasks the kind and what their reader is given.
        detectors: Boxes of further tasks, as if they were those of 'det'.
    """
    image: str
    tasks: tuple[str, ...]
    xml: str | None = None
    boxes: tuple[Box, ...] = ()
    origin: str = ''
    known_boxes: bool = False
    size: tuple[int, int] | None = None
    mask: str | None = None
    table: NDArray[np.uint8] | ColourTable | None = None
    maps: Mapping[str, tuple[str, Mapping[str, Any]]] = field(
        default_factory=dict)
    detectors: 'Mapping[str, Item]' = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What the labels of a stream may say.

    Attributes:
        index: Class name → number; None where it is dropped.
        classes: Names by task.
        exif: Whether images are turned as their EXIF tag says.
        difficult: Whether difficult boxes of XMLs are learnt or judged.
        meta: Kind and unit by task, as the data set tells them.
        detectors: The index of each further task of boxes.
        task: That ``index`` is of.
    """
    index: Mapping[str, int | None]
    classes: Mapping[str, Sequence[str]]
    exif: bool = True
    difficult: bool = False
    meta: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    detectors: Mapping[str, Mapping[str, int | None]] = field(
        default_factory=dict)
    task: str = DET


@dataclass(eq=False)
class Finding:
    """What was found in the files of an image.

    Attributes:
        image: The image.
        problems: All that is wrong.
        size: (height, width); None if it cannot be decoded.
        digest: Of the image's bytes.
        boxes: Those that training uses or ignores.
        pixels: (256,) int64: pixels by train id; None without a mask.
        orientation: As its EXIF tag has it, 1 to 8; 1 is upright.
        bits: Per channel of the image.
        brightest: Highest value (0 to 255) that the network sees.
        colours: Mask value → its colour in the file's own palette.
        maps: Of further tasks what their values tell.
        detectors: Boxes of further tasks.
    """
    image: str
    problems: list[Problem] = field(default_factory=list)
    size: tuple[int, int] | None = None
    digest: bytes = b''
    boxes: list[Box] = field(default_factory=list)
    pixels: NDArray[np.int64] | None = None
    orientation: int = 1
    bits: int = 8
    brightest: int = 255
    colours: dict[int, str] = field(default_factory=dict)
    maps: dict[str, MapFacts] = field(default_factory=dict)
    detectors: dict[str, list[Box]] = field(default_factory=dict)


def examine(item: Item, rules: Rules) -> Finding:
    """Open every file of an item; nothing is raised for a broken one."""
    finding = Finding(item.image)
    _examine_image(finding, rules.exif)
    if DET in item.tasks:
        _examine_boxes(finding, item, rules)
    for task, boxes in item.detectors.items():
        own = replace(rules, index=rules.detectors[task], task=task)
        found = replace(finding, problems=[], boxes=[])
        _examine_boxes(found, boxes, own)
        finding.problems += found.problems
        finding.detectors[task] = found.boxes
    if SEG in item.tasks and item.mask is not None:
        _examine_mask(finding, item)
    if finding.size:
        _examine_maps(finding, item, rules.exif)
    return finding


def _examine_image(finding: Finding, exif: bool) -> None:
    arrays = finding.image.endswith('.npy')
    try:
        load = LoadArrayImage() if arrays else LoadImage(exif)
        results = load.transform(dict(img_path=finding.image))
        finding.size = results['ori_shape']
        finding.brightest = int(results['img'].max())
        data = read_bytes(finding.image, 'image')
        finding.digest = hashlib.blake2b(data, digest_size=16).digest()
        finding.orientation = orientation_of(data)
        finding.bits = bits_of(data)
    except (DataError, OSError) as error:
        finding.problems.append(problem_of(error, finding.image))


def _examine_maps(finding: Finding, item: Item, exif: bool) -> None:
    """Read the labels of further tasks as training would."""
    assert finding.size is not None
    for task, (kind, source) in item.maps.items():
        path = str(source.get('path', item.image))
        try:
            facts = facts_of(
                *read_label(kind, source, finding.size, exif), source)
        except (DataError, OSError) as error:
            finding.problems.append(problem_of(error, path))
            continue
        if facts is None:
            continue
        finding.maps[task] = facts
        if not facts.known:
            finding.problems.append(Problem(
                path, f'has no valid pixel of {task!r}: nothing is learnt '
                'from it', 'leave it out, or see how invalid pixels are '
                'marked', 'nothing', WARNING))


def _examine_boxes(finding: Finding, item: Item, rules: Rules) -> None:
    boxes, told, origin = list(item.boxes), item.size, item.origin
    if item.xml is not None:
        origin = item.xml
        try:
            boxes, told, problems = xml_boxes(item.xml, rules)
        except DataError as error:
            finding.problems.append(problem_of(error, item.xml))
            return
        finding.problems += problems
    if told and finding.size and told != finding.size:
        finding.problems.append(
            _size_problem(finding, told, origin, rules.exif))
    size = finding.size or told
    for box in boxes if not item.known_boxes else ():
        finding.problems += box_problems(box, size, origin, item.image)
    finding.problems += _twice(boxes, origin, item.image)
    finding.boxes = boxes


def _size_problem(finding: Finding, told: tuple[int, int], origin: str,
                  exif: bool) -> Problem:
    """A size that the label tells and the image does not have."""
    assert finding.size is not None
    reason = (f'says that {finding.image} has {told[1]}×{told[0]} pixels, but '
              f'it has {finding.size[1]}×{finding.size[0]}')
    if told != finding.size[::-1] or not swaps_sides(finding.orientation):
        return Problem(origin, reason, 'annotate the image as it is, or put '
                       'back the image that was annotated', 'size')
    if exif:
        return Problem(
            origin, f'{reason} as its EXIF tag turns it',
            'the labels fit the file as it is stored: load it so, with '
            "dict(type='mmmultas.LoadImage', exif=False)", 'size')
    return Problem(
        origin, f'{reason} as stored; its EXIF tag would turn it',
        "the labels fit the turned image: leave exif=False out of the "
        "pipeline's LoadImage", 'size')


def _twice(boxes: Sequence[Box], origin: str, image: str
           ) -> Iterator[Problem]:
    """Boxes of one place: the same label again, or two classes for it."""
    places: dict[tuple[float, ...], list[str]] = {}
    for box in boxes:
        if not box.ignore:
            places.setdefault(box.bbox, []).append(box.name)
    for bbox, names in places.items():
        if len(names) > 1:
            where = ', '.join(f'{v:g}' for v in bbox)
            classes = ' and '.join(sorted(set(names)))
            yield Problem(
                origin, f'has the box ({where}) of {classes} in '
                f'{Path(image).name} {len(names)} times', 'keep one of them',
                'twice', WARNING)


def xml_boxes(
    path: str, rules: Rules
) -> tuple[list[Box], tuple[int, int] | None, list[Problem]]:
    """Read an XML of the VOC layout, going on behind what is wrong.

    Args:
        path: The file.
        rules: Of the stream.

    Returns:
        tuple: Boxes, (height, width) and problems.

    Raises:
        DataError: No usable XML at all.
    """
    annotation, problems = scan_voc_xml(path)
    boxes = []
    for thing in annotation.objects:
        if thing.name not in rules.index:
            problems.append(unknown_class(path, thing.name, rules.task))
            continue
        label = rules.index[thing.name]
        if label is not None:
            corners = tuple(float(side - 1) for side in thing.bbox)
            boxes.append(Box(thing.name, label, corners, thing.difficult,
                             thing.difficult and not rules.difficult))
    return boxes, annotation.size, problems


def unknown_class(origin: str, name: str, task: str = DET) -> Problem:
    """A name that ``classes`` does not have."""
    where, drop = class_hint(task, name)
    return Problem(
        origin, f'has an object of class {name!r}, which {where} does not '
        'name', f'add it or drop it with {drop}', 'class')


def box_problems(box: Box, size: tuple[int, int] | None, origin: str,
                 image: str) -> Iterator[Problem]:
    """Yield what is wrong with where a box is.

    Args:
        box: The box.
        size: (height, width) of the image, None if not known.
        origin: File that has the box.
        image: Its image.
    """
    x1, y1, x2, y2 = box.bbox
    where = ', '.join(f'{v:g}' for v in box.bbox)
    what = f'has a box ({where}) of {box.name!r} in {Path(image).name}'
    if x2 < x1 or y2 < y1:
        yield Problem(origin, f'{what} that is reversed (its right or lower '
                      f'edge comes first)', 'swap the two', 'box')
    elif x2 == x1 or y2 == y1:
        yield Problem(origin, f'{what} without width or height',
                      'draw it again or remove it', 'box')
    if size is None:
        return
    height, width = size
    low, high = -TOLERANCE, TOLERANCE
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        yield Problem(origin, f'{what} wholly outside its {width}×{height} '
                      f'pixels', 'draw it again or remove it', 'box')
    elif min(x1, y1) < low or x2 > width + high or y2 > height + high:
        yield Problem(origin, f'{what} that leaves its {width}×{height} '
                      f'pixels', 'cut it at the border', 'box')


def _counts(raw: Any) -> tuple[Any, Any]:
    if raw.dtype != np.uint8:
        return np.unique(raw, return_counts=True)
    every = np.bincount(raw.ravel(), minlength=256)  # no sorting: faster
    return np.flatnonzero(every), every[every > 0]


def _examine_mask(finding: Finding, item: Item) -> None:
    path = str(item.mask)
    try:
        data = read_bytes(path, 'mask')
        coloured = isinstance(item.table, ColourTable)
        raw: Any = (decode_colours if coloured else decode_mask)(data, path)
    except (DataError, OSError) as error:
        finding.problems.append(problem_of(error, path))
        return
    if finding.size and raw.shape != finding.size:
        (h, w), (height, width) = raw.shape, finding.size
        mend = 'replace the mask'
        if abs(h * width - w * height) <= max(height, width):
            mend = "resize it to the image's size, without smoothing"
        if raw.shape == finding.size[::-1] and swaps_sides(
                finding.orientation):
            mend = ('the mask fits the file as it is stored: load it so, '
                    "with dict(type='mmmultas.LoadImage', exif=False)")
        finding.problems.append(
            Problem(
                path, f'is {raw.shape[1]}×{raw.shape[0]}, its image '
                f'{finding.size[1]}×{finding.size[0]} pixels', mend, 'size'))
    values, counts = _counts(raw)
    ids = (
        item.table.ids_of(values) if isinstance(item.table, ColourTable) else
        np.asarray(item.table)[values])
    wrong = [colour_name(v) if coloured else str(v)
             for v in values[ids == INVALID].tolist()]
    if wrong:
        some = ', '.join(wrong[:8]) + ', …' * (len(wrong) > 8)
        finding.problems.append(
            Problem(path, f'holds values outside the label set ({some})',
                    'mend the mask or name more `classes`', 'values'))
    palette = {} if coloured else png_palette(data)
    finding.colours = {v: palette[v] for v in values.tolist() if v in palette}
    finding.pixels = np.bincount(
        ids, weights=counts, minlength=256).astype(np.int64)
