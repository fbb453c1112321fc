"""What the pixels of masks hold, and which class each value is."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmmultas.datasets.colours import colour_name
from mmmultas.datasets.decode import decode_colours, decode_mask
from mmmultas.datasets.files import png_palette
from mmmultas.datasets.label_map import VOC_CLASSES
from mmmultas.datasets.problems import Problem, problem_of
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.progress import progress

from .class_names import NameList

__all__ = ['BORDERS', 'Legend', 'MaskValues', 'count_values', 'name_values']

#: Ignored value, and the colour of VOC's borders.
BORDERS = (255, '#e0e0c0')
MOST = 253
#: Values in between that make edges look drawn with a soft brush, and the
#: share of the pixels that they may have.
SOFT, SOFT_SHARE = 5, 0.2
#: Classes are numbered from 1 on; grey levels are for people to look at.
GREY = 32
Value = int | str


@dataclass
class MaskValues:
    """Values of all masks.

    Attributes:
        masks: Value → masks that hold it; ascending.
        pixels: Value → pixels.
        example: Value → such a mask.
        colours: Value → its colours in the files' own palettes.
        problems: Masks that cannot be read.
    """
    masks: dict[Value, int] = field(default_factory=dict)
    pixels: dict[Value, int] = field(default_factory=dict)
    example: dict[Value, str] = field(default_factory=dict)
    colours: dict[Value, set[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def coloured(self) -> bool:
        """Whether they are colours."""
        return any(isinstance(value, str) for value in self.masks)


@dataclass(frozen=True)
class Legend:
    """Which class each value is.

    Attributes:
        names: Of the classes.
        values: Of each class a value or several; None for 0, 1, 2, …
        ignored: Values that take no part.
        origin: Where the names come from.
        facts: What a person should know of it.
        doubt: What looks like a mistake: a reason and a mend.
    """
    names: tuple[str, ...]
    values: tuple[Any, ...] | None
    ignored: tuple[Value, ...]
    origin: str
    facts: tuple[str, ...] = ()
    doubt: tuple[str, str] | None = None


def count_values(paths: Sequence[str]) -> MaskValues:
    """Open all masks; show a progress bar.

    Raises:
        DataError: Colours and numbers, or more values than classes can be.
    """
    masks: Counter[Value] = Counter()
    pixels: Counter[Value] = Counter()
    found = MaskValues()
    kinds: dict[bool, str] = {}
    for path in progress(paths, what='masks', unit='file'):
        data = Path(path).read_bytes()
        coloured = len(data) > 25 and data[25] in (2, 6)  # PNG: RGB, RGBA
        try:
            raw = (decode_colours if coloured else decode_mask)(data, path)
        except DataError as error:
            found.problems.append(problem_of(error, path))
            continue
        kinds[coloured] = path
        palette = {} if coloured else png_palette(data)
        values, counts = np.unique(raw, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist()):
            key = colour_name(value) if coloured else value
            masks[key] += 1
            pixels[key] += count
            found.example.setdefault(key, path)
            if value in palette:
                found.colours.setdefault(key, set()).add(palette[value])
        if len(masks) > MOST + 3:
            _refuse_many(masks, pixels, path)
    if len(kinds) == 2:
        raise DataError(f'{kinds[True]} has colours and {kinds[False]} has '
                        f'numbers: write all masks alike.')
    order = sorted(masks, key=lambda v: (str(type(v)), v))
    found.masks = {v: masks[v] for v in order}
    found.pixels = {v: pixels[v] for v in order}
    return found


def _refuse_many(masks: Mapping[Value, int], pixels: Mapping[Value, int],
                 path: str) -> None:
    order = sorted(pixels, key=lambda v: -pixels[v])
    share = sum(pixels[v] for v in order[:20]) / sum(pixels.values())
    if share > 1 - SOFT_SHARE:
        raise DataError(
            f'The masks hold more than {MOST} values, {path} among them, but '
            f'{share:.0%} of the pixels have one of 20: smooth edges (drawn '
            f'or resized with interpolation, or JPEG). Write one colour or '
            f'number per class, without smoothing.')
    raise DataError(
        f'The masks hold more than {MOST} values, {path} among them: smooth '
        f'edges or photographs? Write one colour or number per class.')


def name_values(found: MaskValues, given: NameList | Sequence[str] | None,
                listed: NameList | None = None,
                ignored: Sequence[Value] | None = None,
                is_voc: bool = False) -> Legend:
    """Give every value a class.

    Args:
        found: Values of the masks.
        given: What a person said: names in ascending order of the values,
            the background too, or names with values.
        listed: A list of names beside the masks.
        ignored: Values that a person said take no part.
        is_voc: Whether they are VOC's own masks.

    Raises:
        ConfigError: Names that do not fit the values.
        DataError: One value alone, smooth edges, or no mask that can be
            read.
    """
    if isinstance(given, NameList):
        return _by_value(found, given, ignored)
    values, skipped, facts = _without_ignored(found, ignored)
    if not found.masks and found.problems:
        more = len(found.problems) - 1
        raise DataError(f'No mask can be read. {found.problems[0]}' + (
            f' So it is with {more} more.' if more else ''))
    if len(values) < 2:
        only = ', '.join(map(str, values)) or 'nothing'
        there = [str(v) for v in skipped if v in found.masks]
        beside = f', besides {", ".join(there)}, which is ignored'
        raise DataError(
            f'The masks hold one value alone ({only}{beside * bool(there)}): '
            f'there is nothing to tell apart; write the pixels of each class '
            f'with a value of their own.')
    if given is None and listed is not None:
        return _by_list(found, listed, values, skipped, facts)
    if given is None or len(given) != len(values):
        _refuse_soft(found)
    if given is None and is_voc and not found.coloured and max(
            int(v) for v in values) <= len(VOC_CLASSES):
        return Legend(('background', *VOC_CLASSES), None, skipped,
                      'the layout of VOC', tuple(facts))
    if given is None:
        names = tuple(map(_default_name, values))
        facts.append('the classes have no names: --seg-classes gives them, '
                     'or `seg_classes` of the config')
        return Legend(names, _plain(values), skipped, 'the values',
                      tuple(facts), _doubt(found, values, ignored))
    return _in_order(values, tuple(given), skipped, facts)


def _doubt(found: MaskValues, values: list[Value],
           ignored: Sequence[Value] | None) -> tuple[str, str] | None:
    """Grey levels whose white may be a class."""
    numbers = [v for v in values if isinstance(v, int) and v]
    if ignored is not None or 255 in values or (
            255 not in found.masks or min(numbers, default=0) < GREY):
        return None
    levels = ', '.join(map(str, [*values, 255]))
    named = ' '.join(f'{_default_name(v)}={v}' for v in [*values, 255])
    return (f'hold grey levels ({levels}), of which 255 is ignored as if it '
            f'were no class', f'if it is one: --seg-classes {named}; if not: '
            f'--ignore 255')


def _in_order(values: list[Value], names: tuple[str, ...],
              skipped: tuple[Value, ...], facts: list[str]) -> Legend:
    numbers = [v for v in values if isinstance(v, int)]
    if len(names) == len(values):
        return Legend(names, _plain(values), skipped, '--seg-classes',
                      tuple(facts))
    if len(numbers) == len(values) and max(numbers) < len(names):
        return Legend(names, None, skipped, '--seg-classes', tuple(facts))
    listed = ', '.join(map(str, values[:30]))
    raise ConfigError(
        f'--seg-classes names {len(names)} classes, but the masks hold '
        f'{len(values)} values ({listed}): name them all in this order, the '
        f'background too, or write name=value.')


def _without_ignored(found: MaskValues, ignored: Sequence[Value] | None
                     ) -> tuple[list[Value], tuple[Value, ...], list[str]]:
    if ignored is not None:
        return ([v for v in found.masks if v not in ignored],
                tuple(ignored), [])
    values = [v for v in found.masks if v not in BORDERS]
    there = tuple(v for v in BORDERS if v in found.masks)
    if len(values) == 1 and there == (255, ):
        other = 0 if 0 in found.masks else values[0]
        return ([other, 255], (), [
            f'255 is a class, since {other} is the only other value '
            '(--ignore 255 would leave one class alone)'])
    facts = [f'{v} is ignored (--ignore chooses another value)'
             for v in there]
    return values, there or (() if found.coloured else (255, )), facts


def _by_value(found: MaskValues, given: NameList,
              ignored: Sequence[Value] | None) -> Legend:
    taken = {v for values in given.values.values() for v in values}
    skipped = tuple(ignored or ()) or tuple(
        v for v in BORDERS if v in found.masks and v not in taken)
    lost = [v for v in found.masks if v not in taken and v not in skipped]
    if lost:
        raise ConfigError(
            f'--seg-classes names no class for the values '
            f'{", ".join(map(str, lost[:20]))} of the masks '
            f'({found.example[lost[0]]}): name them, or --ignore them.')
    _same_kind(found, given)
    facts = [f'{v} is ignored' for v in skipped]
    return Legend(tuple(given.values), _several(given), skipped,
                  given.origin, tuple(facts))


def _several(names: NameList) -> tuple[Any, ...]:
    return tuple(v[0] if len(v) == 1 else v for v in names.values.values())


def _same_kind(found: MaskValues, names: NameList) -> None:
    colours = any(isinstance(v, str) for values in names.values.values()
                  for v in values)
    if found.masks and colours != found.coloured:
        have, told = (('colours', 'numbers') if found.coloured else
                      ('numbers', 'colours'))
        raise ConfigError(f'The masks hold {have}, but {names.origin} names '
                          f'{told}: name the values that are there '
                          f'({", ".join(map(str, list(found.masks)[:10]))}).')


def _by_list(found: MaskValues, listed: NameList, values: list[Value],
             skipped: tuple[Value, ...], facts: list[str]) -> Legend:
    names = listed
    if not found.coloured and any(isinstance(v, str) for vs in
                                  listed.values.values() for v in vs):
        names, fact = _numbered(found, listed)
        facts = [*facts, fact]
    taken = {v for vs in names.values.values() for v in vs}
    skip = (*(v for v in skipped if v not in taken),
            *(v for v in names.ignored if v not in skipped))
    lost = [v for v in values if v not in taken and v not in skip]
    if lost:
        raise DataError(
            f'{listed.origin} names no class for the values '
            f'{", ".join(map(str, lost[:20]))} of the masks '
            f'({found.example[lost[0]]}); name them there, give '
            f'--seg-classes name=value, or --ignore them.')
    kept = [f for f in facts if not any(
        f.startswith(f'{v} ') for v in taken)]
    kept += [f'{v} is ignored, as {listed.origin} says'
             for v in names.ignored if v in found.masks]
    told = _several(names)
    return Legend(tuple(names.values), _plain(list(told)), skip,
                  listed.origin, tuple(kept))


def _numbered(found: MaskValues,
              listed: NameList) -> tuple[NameList, str]:
    """A list of colours for masks of numbers: by their palette, or in order.
    """
    names: dict[Value, str | None] = dict.fromkeys(listed.ignored)
    names |= {v: n for n, vs in listed.values.items() for v in vs}
    told = {value: colours for value, colours in found.colours.items()
            if len(colours) == 1 and colours <= set(names)}
    if set(found.masks) - set(BORDERS) <= set(told):
        values: dict[str, tuple[Value, ...]] = {n: () for n in listed.values}
        ignored: list[Value] = []
        for value, colours in told.items():
            name = names[next(iter(colours))]
            if name is None:
                ignored.append(value)
            else:
                values[name] = (*values[name], value)
        kept = {n: v for n, v in values.items() if v}
        return (NameList(listed.origin, kept, tuple(ignored)),
                'numbers are named by the colours of their palette')
    return NameList(listed.origin, {
        n: (i, ) for i, n in enumerate(listed.values)
    }), f'numbers are named in the order of {listed.origin}'


def _refuse_soft(found: MaskValues) -> None:
    """Refuse values that are smooth edges between classes, not classes."""
    total = sum(found.pixels.values())
    if found.coloured:
        rare = [v for v in found.masks if found.pixels[v] < total / 500]
        if len(rare) >= 2 * SOFT and 2 * len(rare) > len(found.masks):
            raise DataError(
                f'The masks hold {len(found.masks)} colours, but '
                f'{len(rare)} of them ({", ".join(map(str, rare[:4]))}, …) '
                f'have less than 0.2% of the pixels each: smooth edges, not '
                f'classes. Draw or resize the masks without smoothing.')
        return
    if len(found.masks) < SOFT + 2:
        return
    order = sorted(found.pixels, key=lambda v: -found.pixels[v])
    low, high = sorted(int(v) for v in order[:2])
    between = [v for v in found.masks if low < int(v) < high]
    share = sum(found.pixels[v] for v in between) / total
    if len(between) < SOFT or len(between) + 2 < len(found.masks) or (
            share > SOFT_SHARE) or high - low < 64:
        return
    middle = (low + high) // 2
    raise DataError(
        f'The masks hold {len(found.masks)} values, but those between {low} '
        f'and {high} ({", ".join(map(str, between[:4]))}, …) have {share:.1%}'
        f' of the pixels: smooth edges of two classes, not '
        f'{len(found.masks)} classes. If so: --seg-classes '
        f'background={low}-{middle} thing={middle + 1}-{high}. If they are '
        f'classes, name them all.')


def _plain(values: list[Value]) -> tuple[Value, ...] | None:
    return None if values == list(range(len(values))) else tuple(values)


def _default_name(value: Value) -> str:
    if value in (0, '#000000'):
        return 'background'
    return f'class_{str(value).removeprefix("#")}'
