"""Run a matrix: what is missing is trained, what was cut is resumed."""
import fcntl
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmmultas.utils.checkpoint import atomic_path, load_file
from mmmultas.utils.errors import CheckpointError, ConfigError, UserError
from mmmultas.utils.resources import commit, resource, shown
from mmmultas.utils.run_files import (chosen_checkpoint, latest_checkpoints,
                                      masks_complete)
from mmmultas.version import __version__

from .cells import Cell, Matrix
from .jobs import Job, noted_seconds, run_jobs

__all__ = ['Launcher', 'cell_states', 'run_matrix', 'state_table']

RESULT = 'result.json'
#: Fingerprint of the training that a cell's folder holds.
MARK = 'fingerprint.txt'


@dataclass(frozen=True)
class Launcher:
    """How one training is started.

    Attributes:
        kind: ``'none'``, ``'pytorch'`` (torchrun on this machine) or
            ``'slurm'``.
        processes: Processes of ``'pytorch'``.
        prefix: Words in front of the command, for example
            ``srun -p gpu --gres=gpu:8 --ntasks=8``.
        alone_prefix: Words in front of commands that run as one process, for
            example ``srun -p gpu --gres=gpu:1``. None: those of ``prefix``,
            and none by Slurm.
    """
    kind: str = 'none'
    processes: int = 1
    prefix: str = ''
    alone_prefix: str | None = None

    def command(self, tool: str, *args: str) -> list[str]:
        """The command that runs ``tools/{tool}.py``."""
        start = [sys.executable]
        if self.kind == 'pytorch':
            start += [
                '-m', 'torch.distributed.run', '--standalone',
                f'--nproc_per_node={self.processes}'
            ]
        return [
            *shlex.split(self.prefix), *start,
            str(resource(f'tools/{tool}.py')), *args, '--launcher', self.kind
        ]

    def alone(self, tool: str, *args: str) -> list[str]:
        """The command that runs a tool in one process."""
        before = self.alone_prefix
        if before is None:
            before = '' if self.kind == 'slurm' else self.prefix
        return [*shlex.split(before), sys.executable,
                str(resource(f'tools/{tool}.py')), *args]


def run_matrix(matrix: Matrix,
               parallel: int = 1,
               launcher: Launcher | None = None,
               results: Path | None = None) -> tuple[str, bool]:
    """Train and test every cell that has no result yet.

    Ctrl-C or SIGTERM lets the running trainings write a checkpoint; the next
    call goes on from there. Several calls may share the folders: a cell
    that another one works on is left to it.

    Args:
        matrix: What to run.
        parallel: Cells at a time.
        launcher: How a training is started; default on this machine.
        results: Folder for a copy of every result; results that are there
            already are taken.

    Returns:
        A table of the cells, and whether all of them have a result.

    Raises:
        ConfigError: A cell has changed since it was begun or run.
    """
    launcher = launcher or Launcher()
    marks = matrix.fingerprints()
    states = cell_states(matrix, results, marks)
    stale = [name for name, state in states.items() if state == 'changed']
    if stale:
        raise ConfigError(
            f'{", ".join(stale)}: the config, options, seed or source has '
            'changed since this was run; move its folder and result away to '
            'run it anew, or take the change back.')
    cells = {cell.name: cell for cell in matrix.cells}
    with _sigterm_as_ctrl_c(), ExitStack() as stack:
        jobs = []
        for cell in matrix.cells:
            if states[cell.name] == 'done':
                continue
            away = [n for n in cell.sources if states[n] == 'elsewhere']
            lock = None if away else stack.enter_context(
                _locked(cell.work_dir))
            if lock is None:
                states[cell.name] = 'elsewhere'
            else:
                jobs.append(
                    _job(cell, matrix, marks[cell.name], launcher, lock))
        try:
            failed = run_jobs(
                jobs,
                slots=_slots(parallel, launcher),
                keep_going=True,
                on_done=lambda job: _write_result(
                    cells[job.name], matrix, marks[job.name], job, results))
        finally:
            for job in jobs:
                job.stop()
                job.note_seconds()
    after = cell_states(matrix, results, marks)
    after.update({k: v for k, v in states.items() if v == 'elsewhere'})
    reasons = [f'{name} failed: {why}' for name, why in failed.items()]
    table = '\n'.join([state_table(matrix, after, results), *reasons])
    return table, all(state == 'done' for state in after.values())


def cell_states(matrix: Matrix, results: Path | None,
                marks: Mapping[str, str]) -> dict[str, str]:
    """Name of each cell → 'done', 'changed', 'begun' or 'missing'.

    A training that is half done has changed, too, if it was begun with
    another fingerprint.

    A result without the training that another missing cell starts from
    does not count.
    """
    states = {}
    for cell in matrix.cells:
        result = read_result(cell, results)
        if result is not None:
            same = result['fingerprint'] == marks[cell.name]
            states[cell.name] = 'done' if same else 'changed'
        else:
            states[cell.name] = _state_of_training(cell, marks[cell.name])
    for cell in reversed(matrix.cells):
        lacking = [folder for folder in cell.folders.values()
                   if not masks_complete(folder)]
        for name in cell.sources:
            source = next(c for c in matrix.cells if c.name == name)
            here = _is_here(source) and not any(
                folder.parent == source.work_dir.absolute()
                for folder in lacking)
            if states[cell.name] in ('missing', 'begun') and states[
                    name] == 'done' and not here:
                states[name] = _state_of_training(source, marks[name])
    return states


def _is_here(cell: Cell) -> bool:
    """Whether a training that has a result is in its folder."""
    return (cell.work_dir / RESULT).is_file() and bool(
        latest_checkpoints(cell.work_dir))


def _state_of_training(cell: Cell, mark: str) -> str:
    if not latest_checkpoints(cell.work_dir):
        return 'missing'
    begun_as = cell.work_dir / MARK
    # folders of earlier versions have no mark
    same = not begun_as.is_file() or begun_as.read_text().strip() == mark
    return 'begun' if same else 'changed'


def read_result(cell: Cell, results: Path | None) -> dict[str, Any] | None:
    """A cell's result, of its folder or of the folder of results.

    Raises:
        ConfigError: The file is no result.
    """
    for path in (cell.work_dir / RESULT,
                 results / f'{cell.name}.json' if results else None):
        if path is None or not path.is_file():
            continue
        try:
            content = json.loads(path.read_text())
            content['metrics'], content['fingerprint']
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{path} is no result of a cell '
                              f'({type(error).__name__}): remove it to run '
                              'the cell again.') from error
        return dict(content)
    return None


def state_table(matrix: Matrix, states: Mapping[str, str],
                results: Path | None) -> str:
    """A line per cell: state, minutes, metrics."""
    names = [m.split('/')[-1] for m in matrix.metrics]
    lines = [['cell', 'state', 'minutes', *names]]
    for cell in matrix.cells:
        result = read_result(cell, results)
        scores = (result or {}).get('metrics', {})
        lines.append([
            cell.name, states[cell.name],
            f'{result["minutes"]:.1f}' if result else '', *[
                f'{scores[m]:.2f}' if isinstance(scores.get(m), float) else ''
                for m in matrix.metrics
            ]
        ])
    widths = [max(len(line[k]) for line in lines)
              for k in range(len(lines[0]))]
    return '\n'.join(
        '  '.join(text.ljust(w) for text, w in zip(line, widths)).rstrip()
        for line in lines)


def _job(cell: Cell, matrix: Matrix, mark: str, launcher: Launcher,
         lock: int) -> Job:
    """Dump the config, train (or go on), test, and make masks."""
    config = str(cell.work_dir / 'config.py')
    folder = str(cell.work_dir)

    def train() -> list[str]:
        cfg = cell.load()
        for option, name in zip(cell.checkpoints, cell.sources):
            source = cell.work_dir.parent / name
            cfg.merge_from_dict(
                {option: str(_tested(source, matrix.checkpoint))})
        cfg.merge_from_dict({k: str(v) for k, v in cell.folders.items()})
        with atomic_path(cell.work_dir / MARK) as part:
            part.write_text(f'{mark}\n')
        with atomic_path(config) as part:
            part.write_text(cfg.pretty_text)
        return launcher.command('train', config, '--work-dir', folder,
                                '--resume')

    def test() -> list[str]:
        return _test_command(cell, matrix, launcher)

    def make(name: str) -> Callable[[], list[str]]:
        return lambda: launcher.alone(
            'dataset_converters/make_pseudo_masks', config,
            str(_tested(cell.work_dir, matrix.checkpoint)), '--out',
            f'{folder}/{name}', *cell.masks[name])

    return Job(
        cell.name, [train, test, *map(make, cell.masks)],
        cell.work_dir,
        _updates(cell),
        needs=cell.sources,
        files=[lock])


def _test_command(cell: Cell, matrix: Matrix,
                  launcher: Launcher) -> list[str]:
    folder = str(cell.work_dir)
    command = launcher.command(
        'test', f'{folder}/config.py',
        str(_tested(cell.work_dir, matrix.checkpoint)),
        # a test writes its config, too: not in the place of training's
        '--work-dir', f'{folder}/test', '--out', f'{folder}/boxes.json')
    model = cell.load().model
    heads = model.get('architecture', model).heads
    if heads.get('seg'):
        command += ['--seg-out', f'{folder}/masks']
    if any(head for task, head in heads.items()
           if task not in ('det', 'seg')):
        command += ['--out-dir', f'{folder}/predictions']
    return command


def _tested(folder: Path, which: str) -> Path:
    if which == 'best':
        return chosen_checkpoint(folder)
    found = latest_checkpoints(folder)
    return found[0] if found else chosen_checkpoint(folder)


def _updates(cell: Cell) -> int:
    """Updates of the run where the config says them, else epochs."""
    cfg = cell.load().train_cfg
    length = cfg.get('epoch_length')
    turns = 1
    if cfg.get('alternate') == 'epoch':
        turns = sum(1 for s in cell.load().train_dataloader.values() if s)
    return int(cfg.max_epochs) * turns * (
        length if isinstance(length, int) else 1)


def _write_result(cell: Cell, matrix: Matrix, mark: str, job: Job,
                  results: Path | None) -> None:
    try:
        written = json.loads((cell.work_dir / 'boxes.json').read_text())
    except (OSError, ValueError) as error:
        raise UserError(f'The test of {cell.name} left no readable '
                        f'{cell.work_dir}/boxes.json ({error}).') from error
    job.note_seconds()
    result = dict(
        matrix=matrix.name,
        cell=cell.key,
        title=cell.title,
        seed=cell.seed,
        config=shown(cell.config),
        options=dict(cell.options),
        checkpoints=dict(cell.checkpoints),
        **_mask_entries(cell),
        paper=dict(cell.paper),
        fingerprint=mark,
        date=time.strftime('%Y-%m-%d'),
        commit=commit(),
        version=__version__,
        torch=torch.__version__,
        cores=os.cpu_count(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else '',
        updates=_updates_of(_tested(cell.work_dir, matrix.checkpoint)),
        minutes=round(noted_seconds(cell.work_dir) / 60, 2),
        tested=_tested(cell.work_dir, matrix.checkpoint).name,
        metrics=written['metrics'])
    paths = [cell.work_dir / RESULT]
    if results is not None:
        results.mkdir(parents=True, exist_ok=True)
        paths.append(results / f'{cell.name}.json')
    for path in paths:
        with atomic_path(path) as part:
            part.write_text(json.dumps(result, indent=2) + '\n')


def _mask_entries(cell: Cell) -> dict[str, Any]:
    return {key: dict(value) for key, value in
            (('masks', cell.masks), ('masks_from', cell.masks_from)) if value}


def _updates_of(checkpoint: Path) -> int:
    """Updates that a checkpoint has behind it, 0 if it does not say."""
    try:
        return int(load_file(checkpoint).get('meta', {}).get('iter', 0))
    except CheckpointError:
        return 0


def _slots(parallel: int, launcher: Launcher) -> Sequence[Mapping[str, str]]:
    """What each place in which a cell runs sees: threads, and one GPU."""
    if parallel < 1:
        raise ConfigError(f'--jobs must be at least 1, got {parallel}.')
    threads = max(1, (os.cpu_count() or 1) // parallel)
    env = {} if 'OMP_NUM_THREADS' in os.environ or launcher.prefix else {
        'OMP_NUM_THREADS': str(threads)
    }
    gpus = torch.cuda.device_count()
    if launcher.kind != 'none' or parallel == 1 or gpus < 2:
        return [env] * parallel
    visible = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    names = visible.split(',') if visible else list(map(str, range(gpus)))
    return [
        dict(env, CUDA_VISIBLE_DEVICES=names[k % gpus])
        for k in range(parallel)
    ]


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """A lock that lives as long as anyone who holds the file; None if taken.

    The training inherits it: one that survives this process keeps it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / '.lock').open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
            return
        yield file.fileno()


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
