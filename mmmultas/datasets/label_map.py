"""Class names, palettes and the merging of classes (SPEC 1.3).

A ``label_map`` maps a source class to its merged name, or to ``None`` to
drop it (no box; pixels become 255). Classes that it does not name stay as
they are. The mask files are never rewritten: a 256-entry table does it.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmmultas.structures import voc_colour
from mmmultas.utils.errors import ConfigError

__all__ = [
    'IGNORE', 'INVALID', 'LABEL_MAPS', 'LabelSpace', 'VOC_CLASSES',
    'VOC_PALETTE', 'groups4', 'groups10', 'voc_space'
]

#: Train id of pixels that take no part.
IGNORE = 255
#: Mark of raw mask values outside the label set; no class may have this id.
INVALID = 254

VOC_CLASSES = ('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car',
               'cat', 'chair', 'cow', 'diningtable', 'dog', 'horse',
               'motorbike', 'person', 'pottedplant', 'sheep', 'sofa', 'train',
               'tvmonitor')
#: The devkit's colours; the first is the background's.
VOC_PALETTE = tuple(voc_colour(index) for index in range(21))

_VEHICLES = ('aeroplane', 'bicycle', 'boat', 'bus', 'car', 'motorbike',
             'train')
_ANIMALS = ('bird', 'cat', 'cow', 'dog', 'horse', 'sheep')
_FURNITURE = ('bottle', 'chair', 'diningtable', 'pottedplant', 'sofa',
              'tvmonitor')
#: 10 classes: the vehicles stay apart.
groups10: dict[str, str | None] = {
    **dict.fromkeys(_ANIMALS, 'animal'),
    **dict.fromkeys(_FURNITURE, 'furniture')
}
#: 4 classes: transportation, animal, furniture, person.
groups4: dict[str, str | None] = {
    **groups10,
    **dict.fromkeys(_VEHICLES, 'transportation')
}
#: Groupings that a config may name: ``label_map=dict(seg='groups4')``.
LABEL_MAPS = {'groups4': groups4, 'groups10': groups10}

Colour = tuple[int, int, int]
LabelMap = Mapping[str, str | None]


@dataclass(frozen=True)
class LabelSpace:
    """Source classes and the classes that they become.

    Attributes:
        classes: Names after merging, in order of first appearance.
        palette: An RGB colour per class: that of its first member.
        index: Source name → class number after merging; None if dropped.
        sources: Names before merging; for masks the position is the value.
    """
    classes: tuple[str, ...]
    palette: tuple[Colour, ...]
    index: Mapping[str, int | None]
    sources: tuple[str, ...]

    @classmethod
    def build(cls,
              sources: Sequence[str],
              palette: Sequence[Sequence[int]] | None = None,
              label_map: str | LabelMap | None = None) -> 'LabelSpace':
        """Apply ``label_map`` to the names ``sources``.

        Args:
            sources: Class names of the files.
            palette: A colour per source class; absent: VOC's by number.
            label_map: Source name → merged name or None, or the name of a
                ready-made grouping. It may also rename or drop names that
                ``sources`` does not list.

        Raises:
            ConfigError: Repeated or no names, a palette of another length,
                an unknown grouping.

        Example:
            >>> space = LabelSpace.build(
            ...     ('cat', 'dog', 'car'), label_map={'cat': 'animal',
            ...                                       'dog': 'animal'})
            >>> space.classes, space.index['dog']
            (('animal', 'car'), 0)
        """
        sources = _names(sources)
        colours = _colours(palette, sources)
        mapping = _resolve(label_map)
        classes: list[str] = []
        merged_colours: list[Colour] = []
        for name, colour in zip(sources, colours):
            target = mapping.get(name, name)
            if target is not None and target not in classes:
                classes.append(target)
                merged_colours.append(colour)
        if not 0 < len(classes) < INVALID:
            raise ConfigError(f'`classes` and `label_map` leave '
                              f'{len(classes)} classes; 1 to 253 can work.')
        return cls(
            tuple(classes), tuple(merged_colours),
            _index(sources, mapping, classes), sources)

    def metainfo(self) -> dict[str, list[Colour] | tuple[str, ...]]:
        """``classes`` and ``palette`` as a data set's metainfo has them."""
        return {'classes': self.classes, 'palette': list(self.palette)}

    def lut(self) -> NDArray[np.uint8]:
        """Table (256,): raw mask value → train id, 255 or 254 (INVALID)."""
        table = np.full(256, INVALID, np.uint8)
        table[IGNORE] = IGNORE
        for value, name in enumerate(self.sources):
            target = self.index[name]
            table[value] = IGNORE if target is None else target
        return table


def voc_space(task: str,
              classes: Sequence[str] | None = None,
              palette: Sequence[Sequence[int]] | None = None,
              label_map: str | LabelMap | None = None) -> LabelSpace:
    """The label space of ``task``: VOC's unless ``classes`` are given.

    Args:
        task: 'det' (20 classes) or 'seg' (with background: 21).
        classes: Names in place of VOC's.
        palette: Colours in place of VOC's.
        label_map: See :meth:`LabelSpace.build`.
    """
    if classes is None:
        background = ('background', ) if task == 'seg' else ()
        classes = background + VOC_CLASSES
        palette = palette or VOC_PALETTE[-len(classes):]
    return LabelSpace.build(classes, palette, label_map)


def _names(sources: Sequence[str]) -> tuple[str, ...]:
    if isinstance(sources, str):
        raise ConfigError(f'`classes` wants a tuple of names, not the string '
                          f'{sources!r} (is a comma missing?).')
    names = tuple(sources)
    if len(set(names)) != len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise ConfigError(f'`classes` names {", ".join(twice)} twice.')
    return names


def _colours(palette: Sequence[Sequence[int]] | None,
             names: Sequence[str]) -> list[Colour]:
    if palette is None:
        # a class has one colour, whether its task knows a background or not
        first = 0 if names[0] == 'background' else 1
        return [voc_colour(first + i) for i in range(len(names))]
    if len(palette) != len(names):
        raise ConfigError(f'`palette` has {len(palette)} colours for '
                          f'{len(names)} classes.')
    return [(int(r), int(g), int(b)) for r, g, b in palette]


def _resolve(label_map: str | LabelMap | None) -> LabelMap:
    if isinstance(label_map, str):
        if label_map not in LABEL_MAPS:
            raise ConfigError(f'`label_map` {label_map!r} is unknown; have '
                              f'{", ".join(sorted(LABEL_MAPS))}.')
        return LABEL_MAPS[label_map]
    return label_map or {}


def _index(sources: Sequence[str], mapping: LabelMap,
           classes: Sequence[str]) -> dict[str, int | None]:
    index: dict[str, int | None] = {}
    for name in (*sources, *mapping):
        target = mapping.get(name, name)
        if target is not None and target not in classes:
            if name in LABEL_MAPS['groups4']:
                continue  # a ready-made grouping on fewer classes
            raise ConfigError(f'`label_map` turns {name!r} into {target!r}, '
                              f'which is no class; have '
                              f'{", ".join(classes)}.')
        index[name] = None if target is None else classes.index(target)
    return index
