"""Lists of class names that lie beside labels, and names given by hand."""
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mmmultas.datasets.files import read_bytes
from mmmultas.utils.errors import ConfigError, DataError

__all__ = ['NameList', 'mask_names', 'parse_names', 'yolo_names']

#: Files with names of mask values, the surest first.
_LISTS = ('labelmap.txt', 'class_names.txt', 'label_colors.txt',
          'class_dict.csv', 'classes.txt')
_COLOUR = re.compile('#[0-9a-fA-F]{6}')
_IGNORED = ('__ignore__', 'void', 'unlabeled', 'unlabelled', 'ignore')


@dataclass(frozen=True)
class NameList:
    """Names of mask values.

    Attributes:
        origin: The file, or the option.
        values: Name → its values: numbers or '#rrggbb'.
        ignored: Values of what takes no part.
    """
    origin: str
    values: Mapping[str, tuple[int | str, ...]]
    ignored: tuple[int | str, ...] = field(default=())


def parse_names(given: Sequence[str]) -> NameList | tuple[str, ...]:
    """What ``--seg-classes`` says.

    Args:
        given: All names, or all ``name=value``: a number, a range, a colour,
            or several of them with commas.

    Returns:
        Plain names as they are, else names with their values.

    Raises:
        ConfigError: A mixture, a name twice, or no value.

    Example:
        >>> parse_names(['road=7', 'car=26,#0000ff', 'sky=0-2']).values['sky']
        (0, 1, 2)
    """
    marked = [text for text in given if '=' in text]
    if not marked:
        return tuple(given)
    if len(marked) < len(given):
        plain = next(text for text in given if '=' not in text)
        raise ConfigError(f'--seg-classes has {marked[0]!r} with and '
                          f'{plain!r} without a value: give all or none one.')
    values: dict[str, tuple[int | str, ...]] = {}
    for text in marked:
        name, _, told = text.rpartition('=')
        if not name or name in values:
            raise ConfigError(f'--seg-classes {text!r}: give each class one '
                              f'name, and its values as name=1,2 or '
                              f'name=#rrggbb.')
        values[name] = tuple(
            v for part in told.split(',') for v in parse_values(part))
    return NameList('--seg-classes', values)


def parse_values(text: str, option: str = '--seg-classes'
                 ) -> tuple[int | str, ...]:
    """A number, a range ``0-127`` or a colour.

    Raises:
        ConfigError: Another text.
    """
    text = text.strip()
    if _COLOUR.fullmatch(text):
        return (text.lower(), )
    found = re.fullmatch(r'(\d{1,3})(?:-(\d{1,3}))?', text)
    if found:
        low = int(found[1])
        high = int(found[2] or low)
        if low <= high <= 255:
            return tuple(range(low, high + 1))
    raise ConfigError(f'{option} has the value {text!r}: write a number from '
                      f"0 to 255, a range such as 0-127 or a colour "
                      f"'#rrggbb'.")


def mask_names(folders: Sequence[Path]) -> NameList | None:
    """The list of names in the first folder that has one.

    Args:
        folders: Of the masks, and above.

    Raises:
        DataError: A list that cannot be read.
    """
    for folder in folders:
        for name in _LISTS:
            if (folder / name).is_file():
                return _read(folder / name)
    return None


def yolo_names(folder: Path) -> dict[int, str]:
    """Names of YOLO's class numbers, from a list in or above ``folder``.

    Raises:
        DataError: A list that cannot be read.
    """
    for place in (folder, folder.parent, folder.parent.parent):
        for path in sorted(place.glob('*.y*ml')):
            names = _of_yaml(path)
            if names:
                return names
        for name in ('classes.txt', 'obj.names', 'class_names.txt'):
            if (place / name).is_file():
                return dict(enumerate(_lines(place / name)))
        for path in sorted(place.glob('*.names')):
            return dict(enumerate(_lines(path)))
    return {}


def yolo_keypoints(folder: Path) -> int:
    """Numbers behind the box of a line, by ``kpt_shape`` of the yaml.

    Raises:
        DataError: A yaml that cannot be read.
    """
    for place in (folder, folder.parent, folder.parent.parent):
        for path in sorted(place.glob('*.y*ml')):
            shape = _yaml(path).get('kpt_shape')
            if isinstance(shape, list) and len(shape) == 2 and all(
                    isinstance(n, int) for n in shape):
                return int(shape[0] * shape[1])
    return 0


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(read_bytes(path, 'list of classes'))
    except yaml.YAMLError as error:
        raise DataError(f'{path} is no usable yaml file ({error}); mend '
                        f'it.') from error
    return content if isinstance(content, dict) else {}


def _of_yaml(path: Path) -> dict[int, str]:
    names = _yaml(path).get('names')
    if isinstance(names, list):
        return {i: str(n) for i, n in enumerate(names)}
    if isinstance(names, dict):
        return {int(i): str(n) for i, n in names.items()}
    return {}


def _lines(path: Path) -> list[str]:
    text = read_bytes(path, 'list of classes').decode('utf-8-sig', 'replace')
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read(path: Path) -> NameList:
    lines = _lines(path)
    if path.name == 'labelmap.txt':
        rows = [line.split(':')[:2] for line in lines
                if not line.startswith('#')]
        return _of_colours(path, [(r[0], r[-1].split(',')) for r in rows])
    if path.name == 'label_colors.txt':
        parts = [line.split() for line in lines]
        return _of_colours(path, [(' '.join(p[3:]), p[:3]) for p in parts])
    if path.suffix == '.csv':
        table = list(csv.reader(lines))[1:]
        return _of_colours(path, [(r[0], r[1:4]) for r in table])
    start = -1 if lines and lines[0] == '__ignore__' else 0
    return NameList(str(path), {
        _tidy(name): (start + i, )
        for i, name in enumerate(lines) if start + i >= 0})


def _tidy(name: str) -> str:
    """LabelMe's name of the background is ours."""
    name = name.strip()
    return 'background' if name == '_background_' else name


def _of_colours(path: Path,
                rows: Sequence[tuple[str, Sequence[str]]]) -> NameList:
    values: dict[str, tuple[int | str, ...]] = {}
    ignored: list[int | str] = []
    for name, channels in rows:
        try:
            red, green, blue = (int(c) for c in channels)
            colour = f'#{red:02x}{green:02x}{blue:02x}'
        except ValueError:
            raise DataError(f'{path} has {name!r} without three numbers for '
                            f'its colour; mend it.') from None
        if name.strip().casefold() in _IGNORED:
            ignored.append(colour)
        else:
            values[_tidy(name)] = (*values.get(_tidy(name), ()), colour)
    return NameList(str(path), values, tuple(ignored))
