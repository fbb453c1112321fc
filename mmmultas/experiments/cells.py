"""The trainings of a table of experiments."""
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import load_config

__all__ = ['Cell', 'Matrix', 'name_of']


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
        masks: Folder of masks that its network makes behind the test →
            options of ``make_pseudo_masks.py``.
        masks_from: Dotted config key → ``cell/folder`` of such masks (same
            seed) that is put there.
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
    masks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    masks_from: Mapping[str, str] = field(default_factory=dict)
    paper: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``key_seed0``: names the folder and the result."""
        return name_of(self.key, self.seed)

    @property
    def sources(self) -> list[str]:
        """Names of the cells that must be done before."""
        keys = [*self.checkpoints.values(),
                *(value.split('/')[0] for value in self.masks_from.values())]
        return [name_of(key, self.seed) for key in keys]

    @property
    def folders(self) -> dict[str, Path]:
        """Dotted config key → folder of masks that is put there."""
        found = {}
        for option, value in self.masks_from.items():
            key, _, folder = value.partition('/')
            found[option] = (self.work_dir.parent / name_of(key, self.seed) /
                             folder).absolute()
        return found

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
            others = {**self.checkpoints, **self.masks_from}
            if others:  # their keys pass the same check
                load_config(self.config, {**options, **others})
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
                parts = [
                    content, self.checkpoint,
                    {k: found[name_of(v, cell.seed)]
                     for k, v in sorted(cell.checkpoints.items())}
                ]
                if cell.masks_from:
                    parts.append(self._masks_of(cell, found))
                text = json.dumps(parts, sort_keys=True, default=str)
                found[cell.name] = hashlib.sha256(
                    text.encode()).hexdigest()[:16]
        return found

    def _masks_of(self, cell: Cell, found: Mapping[str, str]) -> Any:
        """What decides the masks that a cell learns from."""
        makers = {one.name: one for one in self.cells}
        decided = {}
        for option, value in cell.masks_from.items():
            key, _, folder = value.partition('/')
            name = name_of(key, cell.seed)
            decided[option] = found[name], list(makers[name].masks[folder])
        return decided

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
