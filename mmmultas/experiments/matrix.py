"""A table of experiments: configs x seeds x overrides, from a YAML file."""
import hashlib
import json
import logging
import os
import re
import reprlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import load_config
from mmmultas.utils.resources import find_file, packaged

__all__ = ['Cell', 'Matrix', 'read_matrix']

#: Key → type of it, and of what it holds.
_CELL_KEYS: dict[str, tuple[type, Any]] = {
    'config': (str, None),
    'title': (str, None),
    'options': (dict, object),
    'checkpoints': (dict, str),
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
_KINDS: dict[type, str] = {str: 'text', list: 'a list', dict: 'a mapping'}


@dataclass(frozen=True)
class Cell:
    """One training with one seed.

    Attributes:
        key: Name in the matrix, without the seed.
        seed: ``randomness.seed``.
        config: Config file.
        title: What a reader calls it.
        options: Dotted config key → value.
        checkpoints: Dotted config key → key of the cell (same seed) whose
            checkpoint is put there.
        paper: Metric → the paper's figure.
        work_dir: Its folder.
    """
    key: str
    seed: int
    config: Path
    title: str
    work_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``key_seed0``: names the folder and the result."""
        return name_of(self.key, self.seed)

    @property
    def sources(self) -> list[str]:
        """Names of the cells that must be done before."""
        return [name_of(key, self.seed) for key in self.checkpoints.values()]

    def load(self) -> Config:
        """The config with options, seed and work folder.

        Raises:
            ConfigError: No such config, or the options or the keys of the
                checkpoints do not fit.
        """
        options = dict(self.options, **{'randomness.seed': self.seed})
        # MMEngine says once more which variables it put in
        logging.disable(logging.INFO)
        try:
            cfg = load_config(self.config, options)
            if self.checkpoints:  # their keys pass the same check
                load_config(self.config, {**options, **self.checkpoints})
        except ConfigError as error:
            raise ConfigError(f'Cell {self.key!r}: {error}') from error
        finally:
            logging.disable(logging.NOTSET)
        cfg.work_dir = str(self.work_dir)
        return cfg


@dataclass(frozen=True)
class Matrix:
    """What a matrix file says.

    Attributes:
        name: The file's name without its ending.
        title: Heading of its report.
        note: Text below the heading.
        source: Where the papers' figures are from.
        checkpoint: ``'best'`` or ``'last'``: which one is tested.
        metrics: Metrics that its tables show.
        baseline: Task → key of the cell that trains it alone.
        cells: All cells, sources before what needs them.
    """
    name: str
    title: str
    note: str
    source: str
    checkpoint: str
    metrics: tuple[str, ...]
    baseline: Mapping[str, str]
    cells: tuple[Cell, ...]

    def fingerprints(self) -> dict[str, str]:
        """Name of each cell → digest of all that decides its outcome.

        The configs with their options and seeds, those of the cells that
        they start from, and the choice of the checkpoint; not where the
        data lie on this machine, nor the version of the code.

        Raises:
            ConfigError: A config that does not load.
        """
        found: dict[str, str] = {}
        with _no_places():
            for cell in self.cells:
                content = cell.load().to_dict()
                content.pop('work_dir')
                text = json.dumps([
                    content, self.checkpoint,
                    {k: found[name_of(v, cell.seed)]
                     for k, v in sorted(cell.checkpoints.items())}
                ], sort_keys=True, default=str)
                found[cell.name] = hashlib.sha256(
                    text.encode()).hexdigest()[:16]
        return found

    def select(self, keys: Sequence[str] | None,
               seeds: Sequence[int] | None) -> 'Matrix':
        """Some of the cells, and those that they start from.

        Raises:
            ConfigError: A key or a seed that the matrix does not have.
        """
        unknown = set(keys or ()) - {cell.key for cell in self.cells}
        if unknown:
            raise ConfigError(
                f'{self.name} has no cell {sorted(unknown)[0]!r}: it has '
                f'{", ".join(dict.fromkeys(c.key for c in self.cells))}.')
        known = {c.seed for c in self.cells if keys is None or c.key in keys}
        strange = sorted(set(seeds or ()) - known)
        if strange:
            raise ConfigError(
                f'{self.name} has no seed {strange[0]} of '
                f'{", ".join(keys or ["any cell"])}: it has '
                f'{", ".join(map(str, sorted(known)))}.')
        wanted: set[str] = set()
        for cell in reversed(self.cells):
            chosen = (keys is None or cell.key in keys) and (
                seeds is None or cell.seed in seeds)
            if chosen or cell.name in wanted:
                wanted |= {cell.name, *cell.sources}
        return replace(
            self, cells=tuple(c for c in self.cells if c.name in wanted))


def name_of(key: str, seed: int) -> str:
    """Name of a cell.

    Example:
        >>> name_of('mtl', 0)
        'mtl_seed0'
    """
    return f'{key}_seed{seed}'


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
        dict(value.get('checkpoints') or {}), dict(value.get('paper') or {}))


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
        for option, source in zip(cell.checkpoints, cell.sources):
            if source not in by_name:
                raise ConfigError(
                    f'{path}: `{option}` of the cell {cell.key!r} asks for '
                    f'the checkpoint of {source}, which is no cell.')
            yield from visit(by_name[source])
        done[cell.name] = True
        yield cell

    for cell in cells:
        yield from visit(cell)


@contextmanager
def _no_places() -> Iterator[None]:
    """Hide the variables that say where data and weights lie."""
    hidden = {k: v for k, v in os.environ.items() if k.startswith('MMMULTAS_')}
    for key in hidden:
        del os.environ[key]
    try:
        yield
    finally:
        os.environ.update(hidden)
