"""Find the runs that a report is about, and what is missing of them."""
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmmultas.analysis.run_logs import read_run
from mmmultas.experiments.matrix import Matrix, read_matrix
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError, UserError
from mmmultas.utils.resources import resource
from mmmultas.utils.run_files import config_beside, latest_checkpoints

__all__ = ['Collection', 'Group', 'Run', 'collect', 'reasons', 'task_of']

RESULT = 'result.json'
#: Of each kind the metric that stands first where no matrix says it.
_FIRST = ('AP50', 'mAP', 'mIoU', 'abs_err', 'mean', 'odsF', 'maxF')


@dataclass(frozen=True)
class Run:
    """One training with one seed.

    Attributes:
        key: Name of its cell.
        title: What a reader calls the cell.
        seed: Its seed, where it is known.
        metrics: Name → finite value.
        folder: Its work folder; None where only the result is here.
        paper: Metric → the paper's figure.
        updates: Updates of the training.
        minutes: How long it took.
        facts: ``config``, ``commit``, ``date``, ``tested``, ``matrix``.
    """
    key: str
    title: str
    seed: int | None
    metrics: Mapping[str, float]
    folder: Path | None = None
    paper: Mapping[str, float] = field(default_factory=dict)
    updates: int | None = None
    minutes: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """With the seed."""
        return self.key if self.seed is None else f'{self.key}_seed{self.seed}'

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it has metrics of."""
        return tuple(dict.fromkeys(map(task_of, self.metrics)))


@dataclass(frozen=True)
class Group:
    """A cell: its runs differ in the seed alone."""
    key: str
    title: str
    runs: tuple[Run, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that any of the runs has metrics of."""
        return tuple(dict.fromkeys(t for run in self.runs for t in run.tasks))


@dataclass(frozen=True)
class Collection:
    """All that a report is about.

    Attributes:
        title: Heading.
        note: What a reader must know of the data.
        source: Where the papers' figures are from.
        metrics: Columns of the main table.
        baseline: Task → key of the cell that trains it alone.
        groups: The cells, in the matrix's order.
        missing: A sentence for each thing that is not there.
    """
    title: str
    note: str
    source: str
    metrics: tuple[str, ...]
    baseline: Mapping[str, str]
    groups: tuple[Group, ...]
    missing: tuple[str, ...] = ()

    @property
    def runs(self) -> list[Run]:
        """The runs of all cells."""
        return [run for group in self.groups for run in group.runs]

    def group(self, key: str | None) -> Group | None:
        """The cell of that name, if it is there."""
        return next((g for g in self.groups if g.key == key), None)


def task_of(metric: str) -> str:
    """Task of a metric.

    Example:
        >>> task_of('seg/mIoU')
        'seg'
    """
    return metric.partition('/')[0]


def reasons(what: str, absent: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence per reason, naming all that it holds for.

    Args:
        what: How the sentence begins.
        absent: Name and reason of each.

    Example:
        >>> reasons('Left out', [('a', 'gone'), ('b', 'old.'), ('c', 'gone')])
        ['Left out: a, c (gone).', 'Left out: b (old).']
    """
    names: dict[str, list[str]] = {}
    for name, why in absent:
        names.setdefault(why.rstrip('.'), []).append(name)
    return [f'{what}: {", ".join(own)} ({why}).'
            for why, own in names.items()]


def collect(work_dirs: Sequence[str | Path],
            matrix: str | Path | None = None,
            results: str | Path | None = None,
            title: str | None = None) -> Collection:
    """Read the runs of folders.

    Args:
        work_dirs: Folders of a matrix, or of single trainings.
        matrix: The matrix's file; by default the one of ``matrices/`` that
            the results name.
        results: Folder with further results, ``<cell>_seed<k>.json``; of a
            matrix, those of its cells.
        title: Heading instead of the matrix's.

    Raises:
        DataError: A folder holds nothing to report.
        ConfigError: The matrix's file cannot be read.
    """
    runs: dict[str, Run] = {}
    begun: list[str] = []
    for folder in map(Path, work_dirs):
        found, unfinished = _of_folder(folder)
        begun += unfinished
        for run in found:
            _add(runs, run)
    plan = _matrix(matrix, list(runs.values()))
    asked = {cell.key for cell in plan.cells} if plan else None
    for path in sorted(Path(results).glob('*.json')) if results else ():
        run = _of_result(path, None)
        # several matrices may share a folder of results
        if run.name not in runs and (asked is None or run.key in asked):
            _add(runs, run)
    if not runs:
        raise DataError(
            'No run has a result yet'
            f'{": " + ", ".join(begun) + " are unfinished" if begun else ""}'
            ': wait for the first one, or name other folders.')
    plan = plan or _matrix(None, list(runs.values()))
    return _sorted(list(runs.values()), begun, plan, title)


def _add(runs: dict[str, Run], run: Run) -> None:
    if run.name in runs:
        raise DataError(
            f'{run.folder} and {runs[run.name].folder} both hold {run.name}: '
            'give the folders of one matrix, or rename one of them.')
    runs[run.name] = run


def _of_folder(folder: Path) -> tuple[list[Run], list[str]]:
    """The runs of a folder, and the names of those without a result."""
    if not folder.is_dir():
        raise DataError(f'{folder} is no folder: name work folders.')
    if (folder / RESULT).is_file():
        return [_of_result(folder / RESULT, folder)], []
    inside = [child for child in sorted(folder.iterdir()) if child.is_dir()]
    done = [c for c in inside if (c / RESULT).is_file()]
    cells = [c for c in inside if re.fullmatch(r'.+_seed\d+', c.name)]
    if done or cells:
        return [_of_result(c / RESULT, c) for c in done
                ], [c.name for c in cells
                    if c not in done and latest_checkpoints(c)]
    return [_of_training(folder)], []


def _of_result(path: Path, folder: Path | None) -> Run:
    try:
        content = json.loads(path.read_text())
        facts = {
            key: str(content.get(key, ''))
            for key in ('config', 'commit', 'date', 'tested', 'matrix')
        }
        effort = _numbers({key: content.get(key)
                           for key in ('updates', 'minutes')})
        updates = effort.get('updates')
        return Run(
            str(content['cell']), str(content.get('title', content['cell'])),
            int(content['seed']), _numbers(content['metrics']), folder,
            _numbers(content.get('paper') or {}),
            None if updates is None else int(updates), effort.get('minutes'),
            facts)
    except (OSError, ValueError, KeyError, TypeError,
            AttributeError) as error:
        raise DataError(f'{path} is no result of a cell '
                        f'({type(error).__name__}: {error}): remove it or '
                        'name another folder.') from error


def _of_training(folder: Path) -> Run:
    """A work folder of ``tools/train.py``, perhaps with a test's files."""
    log = read_run(folder)
    boxes = folder / 'boxes.json'
    metrics, tested = {}, 'the last validation'
    if boxes.is_file():
        try:
            metrics = _numbers(json.loads(boxes.read_text())['metrics'])
            tested = boxes.name
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f'{boxes} is no file of `tools/test.py --out` '
                            f'({type(error).__name__}).') from error
    if not metrics and log.val:
        metrics = {k: v for k, v in _numbers(log.val[-1]).items() if '/' in k}
    if not metrics:
        raise DataError(f'{folder} has neither a validation in its log nor '
                        'metrics in boxes.json: test the run first '
                        '(tools/test.py --out boxes.json).')
    seconds = sum(r.get('time', 0) for r in log.train)
    steps = [r['step'] for r in log.train]
    minutes = seconds / len(steps) * steps[-1] / 60 if steps else None
    config, seed = _config_of(boxes)
    return Run(log.name, log.name, seed, metrics, folder,
               updates=steps[-1] if steps else None, minutes=minutes,
               facts=dict(config=config, tested=tested))


def _config_of(boxes: Path) -> tuple[str, int | None]:
    try:
        cfg = config_beside(boxes)
    except UserError:
        return '', None
    return Path(cfg.filename).name, (cfg.get('randomness') or {}).get('seed')


def _numbers(content: Mapping[str, Any]) -> dict[str, float]:
    return {
        str(k): float(v) for k, v in content.items()
        if isinstance(v, int | float) and math.isfinite(v)
    }


def _matrix(path: str | Path | None, runs: Sequence[Run]) -> Matrix | None:
    if path is not None:
        return read_matrix(path)
    names = {run.facts.get('matrix') for run in runs}
    for known in sorted(resource('matrices').glob('*.yaml')):
        if names == {known.stem}:
            return read_matrix(known)
    return None


def _sorted(runs: list[Run], begun: list[str], plan: Matrix | None,
            title: str | None) -> Collection:
    # what the matrix says now goes before what it said when it was run
    planned = {cell.key: cell for cell in (plan.cells if plan else ())}
    groups = []
    for key in dict.fromkeys([*planned, *(r.key for r in runs)]):
        own = sorted((r for r in runs if r.key == key),
                     key=lambda r: -1 if r.seed is None else r.seed)
        if key in planned:
            cell = planned[key]
            paper = _numbers(cell.paper)
            own = [replace(r, title=cell.title, paper=paper or r.paper)
                   for r in own]
        if own:
            groups.append(Group(key, own[0].title, tuple(own)))
    metrics = plan.metrics if plan else ()
    seen = {m for run in runs for m in run.metrics}
    shown = tuple(m for m in metrics if m in seen) or _usual(seen)
    missing = _missing(runs, begun, plan)
    missing += [f'No run has the metric {m}.' for m in metrics
                if m not in seen]
    if title is None:
        names = sorted({run.facts.get('matrix') or '' for run in runs} - {''})
        title = plan.title if plan else ', '.join(names) or 'Runs'
    return Collection(
        title, plan.note if plan else '', plan.source if plan else '', shown,
        plan.baseline if plan else _baseline(groups), tuple(groups),
        tuple(missing))


def _missing(runs: Sequence[Run], begun: Sequence[str],
             plan: Matrix | None) -> list[str]:
    have = {run.name for run in runs}
    planned = [c.name for c in plan.cells] if plan else []
    absent = [n for n in dict.fromkeys([*planned, *begun]) if n not in have]
    sentences = []
    for state, names in (('unfinished', [n for n in absent if n in begun]),
                         ('not begun', [n for n in absent
                                        if n not in begun])):
        if names:
            sentences.append(f'Without a result, {state}: '
                             f'{_by_cell(names)}.')
    return sentences


def _by_cell(names: Sequence[str]) -> str:
    """Names of runs, the seeds of a cell together.

    Example:
        >>> _by_cell(['mtl_seed0', 'mtl_seed1', 'det_seed0'])
        'mtl (seeds 0, 1), det (seed 0)'
    """
    seeds: dict[str, list[str]] = {}
    for name in names:
        key, _, seed = name.rpartition('_seed')
        seeds.setdefault(key, []).append(seed)
    return ', '.join(
        f'{key} (seed{"s" * (len(own) > 1)} {", ".join(own)})'
        for key, own in seeds.items())


def _usual(seen: set[str]) -> tuple[str, ...]:
    """The metrics of the papers where no matrix names any, else all."""
    usual = ('det/AP50', 'det/mAP', 'seg/mIoU')
    others = {task_of(m) for m in seen} - {DET, SEG}
    shown = [m for m in usual if m in seen]
    more = [m for m in seen if not shown or task_of(m) in others]
    return tuple(shown + sorted(more, key=_rank))


def _rank(metric: str) -> tuple[str, int, str]:
    """By task; the figure that papers give first."""
    task, _, name = metric.partition('/')
    return task, _FIRST.index(name) if name in _FIRST else len(_FIRST), name


def _baseline(groups: Sequence[Group]) -> dict[str, str]:
    """Where no matrix says it: the first cell that has one task alone."""
    found: dict[str, str] = {}
    for group in groups:
        if len(group.tasks) == 1:
            found.setdefault(group.tasks[0], group.key)
    return found
