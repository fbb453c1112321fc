"""A table of experiments: configs x seeds x overrides, from a YAML file."""
import re
import reprlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mmmultas.utils.arguments import check_mask_options
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.resources import find_file, packaged

from .cells import Cell, Matrix, name_of

__all__ = ['Cell', 'Matrix', 'read_matrix']

#: Key → type of it, and of what it holds.
_CELL_KEYS: dict[str, tuple[type, Any]] = {
    'config': (str, None),
    'title': (str, None),
    'options': (dict, object),
    'checkpoints': (dict, str),
    'masks': (dict, list),
    'masks_from': (dict, str),
    'paper': (dict, float),
    'seeds': (list, int)
}
_KEYS: dict[str, tuple[type, Any]] = {
    'title': (str, None),
    'note': (str, None),
    'source': (str, None),
    'work_dir': (str, None),
    'checkpoint': (str, None),
    'seeds': (list, int),
    'metrics': (list, str),
    'options': (dict, object),
    'baseline': (dict, str),
    'cells': (dict, object)
}
#: Folders of a cell that its test writes.
_TAKEN = ('masks', 'predictions', 'test')
_KINDS: dict[type, str] = {str: 'text', list: 'a list', dict: 'a mapping'}


def read_matrix(path: str | Path,
                work_dir: str | Path | None = None) -> Matrix:
    """Read a matrix file and check all that can be checked without data.

    Args:
        path: YAML, see docs/experiments.md for its keys; ``matrices/...``
            that is not here is the package's.
        work_dir: Folder of the cells' folders; default ``work_dirs/<name>``.

    Raises:
        ConfigError: The file is missing or says what cannot work.
    """
    path = find_file(path, 'Matrix')
    content = _content(path)
    _check_keys(path, 'key', content, _KEYS)
    checkpoint = content.get('checkpoint') or 'best'
    if checkpoint not in ('best', 'last'):
        raise ConfigError(f"{path}: `checkpoint` is 'best' or 'last', got "
                          f'{checkpoint!r}.')
    folder = Path(work_dir or content.get('work_dir')
                  or Path('work_dirs') / path.stem)
    cells = [
        _cell(path, key, value, content, folder, seed)
        for key, value in (content.get('cells') or {}).items()
        for seed in _seeds(path, key, value, content)
    ]
    if not cells:
        raise ConfigError(f'{path} has no `cells`: name at least one config.')
    keys = {cell.key for cell in cells}
    baseline = content.get('baseline') or {}
    _refuse(set(baseline.values()) - keys, path, 'cell in `baseline`', keys)
    return Matrix(
        path.stem, content.get('title') or path.stem,
        content.get('note') or '',
        content.get('source') or '', checkpoint,
        tuple(content.get('metrics') or ('det/AP50', 'det/mAP', 'seg/mIoU')),
        baseline, tuple(_ordered(path, cells)))


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice; else the last one would win."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != '<<':
                if (key.tag, key.value) in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f'the key {key.value[:80]} is there twice',
                        problem_mark=key.start_mark)
                seen.add((key.tag, key.value))
        return node


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = ' '.join(repr(str(error))[1:-1].split())[:200]
        raise ConfigError(f'Matrix {path} is no YAML ({reason}).') from error
    if not isinstance(content, dict):
        raise ConfigError(f'Matrix {path} must be a mapping with a mapping '
                          '`cells` of names to configs.')
    return content


def _check_keys(path: Path, what: str, content: Mapping[Any, Any],
                keys: Mapping[str, tuple[type, Any]]) -> None:
    """Refuse unknown keys and values of another type; None is no value."""
    _refuse(set(content) - set(keys), path, what, keys)
    for key, value in content.items():
        kind, inner = keys[key]
        if value is None:
            continue
        if not isinstance(value, kind):
            raise ConfigError(f'{path}: the {what} {key!r} must be '
                              f'{_KINDS[kind]}, got {_short(value)}.')
        wrong: list[Any] = []
        if isinstance(value, dict):
            wrong += [k for k in value if not isinstance(k, str)]
            wrong += [x for x in value.values() if not _is_a(x, inner)]
        elif isinstance(value, list):
            wrong += [x for x in value if not _is_a(x, inner)]
        if wrong:
            raise ConfigError(f'{path}: the {what} {key!r} cannot hold '
                              f'{_short(wrong[0])}.')


def _is_a(value: Any, kind: type) -> bool:
    """Whether a value is of a type; a number must also be finite."""
    if kind is not float:
        return isinstance(value, kind)
    return (isinstance(value, int | float) and not isinstance(value, bool)
            and abs(value) <= sys.float_info.max)


def _short(value: Any) -> str:
    """How a value looks; a YAML file of lines may hold one of gigabytes."""
    text = reprlib.repr(value)
    return text if len(text) < 80 else f'{text[:76]} ...'


def _refuse(wrong: Iterable[str], path: Path, what: str,
            known: Iterable[str]) -> None:
    for name in sorted(map(str, wrong)):
        raise ConfigError(f'{path} has the unknown {what} {_short(name)}; '
                          f'have {", ".join(sorted(known))[:200]}.')


def _seeds(path: Path, key: str, value: Any,
           content: Mapping[str, Any]) -> list[int]:
    value = value if isinstance(value, dict) else {}
    seeds = value.get('seeds', content.get('seeds', [0]))
    if not isinstance(seeds, list) or not seeds or not all(
            type(seed) is int and seed >= 0 for seed in seeds):
        raise ConfigError(f'{path}: `seeds` of {key!r} must be a list of '
                          f'numbers, got {_short(seeds)}.')
    return seeds


def _cell(path: Path, key: str, value: Any, content: Mapping[str, Any],
          folder: Path, seed: int) -> Cell:
    if not re.fullmatch(r'[\w.+-]{1,100}', key) or key.startswith('.'):
        raise ConfigError(f'{path}: the cell {_short(key)} names a folder: '
                          'take letters, digits, `_`, `-`, `+` and `.`.')
    value = dict(config=value) if isinstance(value, str) else value
    if not isinstance(value, dict) or not value.get('config'):
        raise ConfigError(f'{path}: the cell {key!r} needs a `config`.')
    _check_keys(path, f'key of the cell {key!r}', value, _CELL_KEYS)
    return Cell(
        key, seed, _config(path, key, value['config']),
        value.get('title') or key,
        folder / name_of(key, seed),
        dict(content.get('options') or {}, **value.get('options') or {}),
        dict(value.get('checkpoints') or {}),
        _folders(path, key, value.get('masks') or {}),
        dict(value.get('masks_from') or {}), dict(value.get('paper') or {}))


def _folders(path: Path, key: str,
             masks: Mapping[str, list[Any]]) -> dict[str, list[str]]:
    """Folders of masks and the options of the tool that makes them."""
    for name in masks:
        if name in _TAKEN or not re.fullmatch(r'[\w+-]{1,100}', name):
            raise ConfigError(f'{path}: `masks` of the cell {key!r} names a '
                              f'folder {_short(name)}: take letters, digits, '
                              '`_`, `-` and `+`, and none of '
                              f'{", ".join(_TAKEN)}, which the test writes.')
    found = {name: list(map(str, options)) for name, options in masks.items()}
    for name, options in found.items():
        check_mask_options(f'{path}: `masks.{name}` of the cell {key!r}',
                           options)
    return found


def _config(path: Path, key: str, config: str) -> Path:
    """A cell's config: from here, beside the matrix's folder, or ours."""
    places = [Path(config), path.resolve().parent.parent / config]
    ours = packaged(config)
    places += [ours] if ours else []
    try:
        found = [place for place in places if place.is_file()]
    except OSError:  # such as a name that is too long
        found = None
    if found is None or not config.isprintable():
        raise ConfigError(f'{path}: the `config` of the cell {key!r} is no '
                          f'path of a file: {_short(config)}.')
    return (found or places[1:])[0]


def _ordered(path: Path, cells: Sequence[Cell]) -> Iterator[Cell]:
    """Sources first, else as they stand."""
    by_name = {cell.name: cell for cell in cells}
    done: dict[str, bool] = {}

    def visit(cell: Cell) -> Iterator[Cell]:
        if cell.name in done:
            if not done[cell.name]:
                raise ConfigError(f'{path}: the cell {cell.key!r} starts '
                                  'from itself: mend its `checkpoints`.')
            return
        done[cell.name] = False
        options = [*cell.checkpoints, *cell.masks_from]
        for option, source in zip(options, cell.sources):
            if source not in by_name:
                what = ('masks' if option in cell.masks_from else
                        'the checkpoint')
                raise ConfigError(
                    f'{path}: `{option}` of the cell {cell.key!r} asks for '
                    f'{what} of {source}, which is no cell.')
            yield from visit(by_name[source])
        _check_folders(path, cell, by_name)
        done[cell.name] = True
        yield cell

    for cell in cells:
        yield from visit(cell)


def _check_folders(path: Path, cell: Cell,
                   by_name: Mapping[str, Cell]) -> None:
    for option, value in cell.masks_from.items():
        key, _, folder = value.partition('/')
        made = by_name[name_of(key, cell.seed)].masks
        if folder not in made:
            raise ConfigError(
                f'{path}: `{option}` of the cell {cell.key!r} asks for masks '
                f'{_short(folder)} of {key}, whose `masks` has '
                f'{", ".join(made) or "none"}.')
