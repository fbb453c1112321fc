"""One pass over all files that a config names: all that is wrong."""
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
from mmengine.registry import init_default_scope

from mmmultas.datasets.examine import Finding, Rules, examine
from mmmultas.datasets.hold_out import photo_of
from mmmultas.datasets.inventory import (Inventory, leaf_configs,
                                         take_inventory)
from mmmultas.datasets.problems import ERROR, WARNING, Problem
from mmmultas.engine.streams import check_streams
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.name_lists import unknown_names
from mmmultas.utils.overlap import shared_photos
from mmmultas.utils.progress import progress
from mmmultas.utils.quiet import import_stock

from .judgement import judge
from .stream_report import StreamReport, size_group
from .trial import try_run, try_stream

__all__ = ['DataReport', 'StreamReport', 'check_data', 'size_group']

SPLITS = ('train', 'val', 'test')


@dataclass(eq=False)
class DataReport:
    """All streams of a config, and what lies between them.

    Attributes:
        streams: Those that read the same are one.
        between: Problems between streams, or of several.
        facts: What else a person should know: (heading, sentences).
    """
    streams: list[StreamReport]
    between: list[Problem]
    facts: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        """All of them, each once."""
        every = [p for s in self.streams for p in s.problems] + self.between
        return list(dict.fromkeys(every))


def check_data(cfg: Mapping[str, Any], num_workers: int = 0) -> DataReport:
    """Look at every file of every stream; show a progress bar.

    Labels that a stream withholds (by ``tasks``) are not opened.

    Args:
        cfg: A config with ``train_dataloader``, ``val_dataloader`` and
            ``test_dataloader``, those that it has.
        num_workers: Processes beside this one.

    Raises:
        ConfigError: No streams, or a config that cannot be right.
    """
    import_stock()
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    plans = _plans(cfg)
    if not plans:
        raise ConfigError('The config has no `train_dataloader`, '
                          '`val_dataloader` or `test_dataloader`: there is '
                          'nothing to check.')
    total = sum(len(i.items) for _, parts in plans for i in parts)
    with _mapper(num_workers) as mapped, progress(
            total=total, what='images', unit='img') as bar:
        for report, parts in plans:
            for part in parts:
                report.problems += part.problems
                report.notes += part.notes
                findings = mapped(part.items, part.rules)
                for item, finding in zip(part.items, findings):
                    report.add(finding, item.tasks)
                    bar.update()
    streams = [report for report, _ in plans]
    for report in streams:
        _try(report, cfg)
    between = _between(streams) + judge(streams, cfg)
    between += _unknown_names(
        (part for _, parts in plans for part in parts), cfg)
    if not any(p.severity == ERROR
               for p in between + [p for s in streams for p in s.problems]):
        between += filter(None, [try_run(cfg)])
    return DataReport(streams, between)


def _try(report: StreamReport, cfg: Mapping[str, Any]) -> None:
    """Draw a sample of a stream whose files are all right."""
    if any(problem.severity == ERROR for problem in report.problems):
        return  # it would stop at one of them
    split, name = report.name.split(', ')[0].split('/', 1)
    found = try_stream(f'{split}_dataloader.{name}',
                       cfg[f'{split}_dataloader'][name], split != 'train')
    if found is not None:
        report.problems.append(found)


def _plans(
        cfg: Mapping[str, Any]) -> list[tuple[StreamReport, list[Inventory]]]:
    """Streams and their files; those that read the same are joined."""
    plans: list[tuple[StreamReport, list[Inventory]]] = []
    seen: list[tuple[bool, Any]] = []
    for split in SPLITS:
        loaders = cfg.get(f'{split}_dataloader')
        if not loaders:
            continue
        check_streams(f'{split}_dataloader', loaders)
        for name, loader in loaders.items():
            if loader is None:
                continue
            key = f'{split}_dataloader.{name}'
            if 'dataset' not in loader:
                raise ConfigError(f'`{key}` lacks `dataset`.')
            same = (split != 'train', loader['dataset'])
            if same in seen:
                plans[seen.index(same)][0].name += f', {split}/{name}'
                continue
            seen.append(same)
            report = StreamReport(f'{split}/{name}', split != 'train')
            report.input_size = _input_size(loader['dataset'])
            report.by_rule = any(
                leaf.get('part') for leaf in leaf_configs(loader['dataset']))
            parts = [
                take_inventory(leaf, key)
                for leaf in leaf_configs(loader['dataset'])
            ]
            for part in parts:
                report.classes.update(
                    {t: tuple(c) for t, c in part.rules.classes.items()})
                report.meta.update(part.rules.meta)
            plans.append((report, parts))
    return plans


def _input_size(dataset: Any) -> tuple[int, int] | None:
    """(height, width) behind the last `Squash` of a pipeline, if any."""
    sizes = [
        t['size'] for leaf in leaf_configs(dataset)
        for t in leaf.get('pipeline') or ()
        if isinstance(t, Mapping)
        and str(t.get('type', '')).endswith('Squash') and t.get('size')
    ]
    if not sizes:
        return None
    size = sizes[-1]
    return (size, size) if isinstance(size, int) else (size[0], size[1])


@contextmanager
def _mapper(num_workers: int) -> Iterator[Any]:
    """A function that examines items, in this process or in others."""
    if num_workers < 1:
        yield lambda items, rules: map(partial(examine, rules=rules), items)
        return
    # forked: the libraries are loaded already
    context = multiprocessing.get_context('fork')
    with context.Pool(num_workers, initializer=_one_thread) as pool:

        def mapped(items: list[Any], rules: Rules) -> Iterator[Finding]:
            return pool.imap(
                partial(examine, rules=rules), items, chunksize=16)

        yield mapped


def _one_thread() -> None:
    cv2.setNumThreads(0)


def _unknown_names(parts: Iterable[Inventory],
                   cfg: Mapping[str, Any]) -> Iterator[Problem]:
    """Names of lists (`val_list`) that no stream has."""
    told = unknown_names((x for part in parts for x in part.lists), cfg)
    for file, said in told.items():
        reason, _, mend = said.partition('; ')
        yield Problem(file, reason, mend, 'match', WARNING)


def _between(streams: Sequence[StreamReport]) -> list[Problem]:
    """Images of training that are in validation or test as well."""
    problems: dict[str, Problem] = {}
    for held_out in (s for s in streams if s.held_out):
        by_digest = {d: f for f, d in held_out.digests.items() if d}
        for train in (s for s in streams if not s.held_out):
            pairs = dict(shared_photos(train.digests, held_out.digests))
            for file, digest in train.digests.items():
                if digest in by_digest:
                    pairs.setdefault(file, by_digest[digest])
            for file, other in sorted(pairs.items()):
                problems[file] = Problem(
                    file, f'of {train.name} shows the same photograph as '
                    f'{other} of {held_out.name}', _apart(held_out),
                    'overlap')
            problems |= _versions(train, held_out, problems)
    return list(problems.values())


def _versions(train: StreamReport, held_out: StreamReport,
              known: Mapping[str, Problem]) -> dict[str, Problem]:
    """Images of training that are versions of one that is held out."""
    others = {photo_of(Path(f).stem): f for f in held_out.digests
              if '.rf.' in Path(f).name}
    return {
        file: Problem(
            file, f'of {train.name} is a version of the photograph '
            f'{others[photo_of(Path(file).stem)]} of {held_out.name}, by '
            'what stands before .rf. in their names', _apart(held_out),
            'overlap', WARNING)
        for file in sorted(train.digests)
        if '.rf.' in Path(file).name and file not in known
        and photo_of(Path(file).stem) in others
    }


def _apart(held_out: StreamReport) -> str:
    if held_out.by_rule:
        return ('name the images that are held out in a file (`val_list`), '
                'both or neither of these; new_project.py does so')
    return 'take it out of one of the two folders or lists'
