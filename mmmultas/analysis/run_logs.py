"""What a run has logged: losses by update, metrics by epoch."""
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmmultas.evaluation.directions import is_lower_better
from mmmultas.evaluation.tables import score_text, text_table
from mmmultas.utils.errors import ConfigError, DataError

__all__ = [
    'Curve', 'RunLog', 'curves_of', 'keys_of', 'panels_of', 'read_run',
    'summary'
]

#: Entries of a training record that are no curves.
_CLOCK = {
    'base_lr', 'data_time', 'epoch', 'grad_norm', 'iter', 'lr', 'memory',
    'step', 'time'
}
Record = dict[str, Any]


class Curve(NamedTuple):
    """Values over updates (training) or epochs (validation)."""
    steps: list[float]
    values: list[float]


class RunLog(NamedTuple):
    """Records of one run, resumed parts joined.

    Attributes:
        name: Name of the run.
        train: Records of training, ``step`` counts updates.
        val: Records of validation, ``step`` counts epochs.
    """
    name: str
    train: list[Record]
    val: list[Record]


def read_run(path: str | Path) -> RunLog:
    """Read a work folder, one run's folder in it, or a scalars file.

    A resumed run logs into a folder of its own. What it did once more, from
    its checkpoint on, replaces what stood there; a run started anew in the
    same folder replaces all.

    Args:
        path: A folder of ``--work-dir`` or a ``*.json`` below ``vis_data``.

    Raises:
        DataError: Nothing was logged there, or a file is no log.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f'{path} does not exist: check the path.')
    files = [path] if path.is_file() else _log_files(path)
    joined: list[tuple[bool, Record]] = []
    for file in files:
        _join(joined, _records(file))
    if not joined:
        raise DataError(f'{path} has no log (*/vis_data/*.json) with '
                        'records: give a work folder of a training.')
    name = path.stem if path.is_file() else path.resolve().name
    return RunLog(name, [r for trains, r in joined if trains],
                  [r for trains, r in joined if not trains])


def curves_of(run: RunLog) -> dict[str, Curve]:
    """All that a run has curves of, losses first."""
    curves: dict[str, Curve] = {}
    for records in (run.train, run.val):
        for record in records:
            for key, value in record.items():
                if key in _CLOCK or key.endswith('.epoch') \
                        or not isinstance(value, int | float):
                    continue
                curve = curves.setdefault(key, Curve([], []))
                curve.steps.append(record['step'])
                curve.values.append(float(value))
    return curves


def keys_of(runs: Sequence[RunLog], task: str) -> list[str]:
    """Names of the curves of a task.

    Raises:
        ConfigError: No run has logged any; the sentence names the tasks.
    """
    names = dict.fromkeys(key for run in runs for key in curves_of(run))
    own = [key for key in names if re.split('[./]', key)[0] == task]
    if not own:
        tasks = dict.fromkeys(re.split('[./]', key)[0] for key in names
                              if re.search('[./]', key))
        raise ConfigError(f'No run has logged curves of {task!r}: there are '
                          f'{", ".join(tasks)}.')
    return own


def panels_of(runs: Sequence[RunLog],
              keys: Sequence[str] | None = None
              ) -> dict[str, dict[str, Curve]]:
    """Sort curves into panels: each task's losses, each task's metrics.

    Args:
        runs: The runs; with several of them labels name the run.
        keys: Names of curves, by default all.

    Returns:
        dict: Title of the panel to label to curve.

    Raises:
        ConfigError: A key that no run has logged.
    """
    known = [curves_of(run) for run in runs]
    names = list(dict.fromkeys(key for curves in known for key in curves))
    unknown = sorted(set(keys or ()) - set(names))
    if unknown:
        raise ConfigError(f'No run has logged {unknown}: there are '
                          f'{sorted(names)}.')
    panels: dict[str, dict[str, Curve]] = {}
    for key in keys or names:
        for run, curves in zip(runs, known):
            if key not in curves:
                continue
            label = key if len(runs) == 1 else f'{run.name}: {key}'
            panels.setdefault(_panel(key), {})[label] = curves[key]
    return panels


def summary(run: RunLog, keys: Sequence[str] | None = None) -> str:
    """The mean time of an update and a table of the curves."""
    rows = []
    for key, curve in curves_of(run).items():
        if keys and key not in keys:
            continue
        best = (min if is_lower_better(key) else max)(curve.values)
        place = curve.steps[curve.values.index(best)] \
            if best in curve.values else 0
        rows.append((key, str(len(curve.values)), score_text(curve.values[0]),
                     score_text(curve.values[-1]), score_text(best),
                     f'{place:g}'))
    header = ('curve', 'records', 'first', 'last', 'best', 'at')
    lines = [f'{run.name}: {_times(run.train)}']
    if rows:
        lines.append(text_table(header, rows))
    return '\n'.join(lines)


def _times(records: Sequence[Record]) -> str:
    means = {}
    for key in ('time', 'data_time'):
        values = [r[key] for r in records if key in r]
        if values:
            means[key] = sum(values) / len(values)
    if 'time' not in means:
        return 'no times logged'
    return (f'{means["time"]:.3f} s per update, '
            f'{means.get("data_time", 0):.3f} s of it for data '
            f'(mean of {len(records)} records)')


def _log_files(folder: Path) -> list[Path]:
    """One file per start, oldest first; each start logs the same twice."""
    starts = sorted({
        file.parent
        for pattern in ('*/vis_data/*.json', 'vis_data/*.json', '*.json')
        for file in folder.glob(pattern) if file.parent.name == 'vis_data'
    })
    chosen = []
    for start in starts:
        whole = start / 'scalars.json'
        chosen.append(
            whole if whole.is_file() else sorted(start.glob('*.json'))[0])
    return chosen


def _records(file: Path) -> list[tuple[bool, Record]]:
    """Records in order; the bool tells training from validation."""
    records = []
    lines = file.read_text(errors='replace').splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                break  # a kill cuts the last line
            raise DataError(f'{file}, line {number}, is no JSON: give a log '
                            'of vis_data.') from error
        if not isinstance(record, Mapping) or 'step' not in record:
            raise DataError(f'{file}, line {number}, is no record with a '
                            '`step`: give a log of vis_data.')
        records.append(('lr' in record or 'loss' in record, dict(record)))
    return records


def _join(joined: list[tuple[bool, Record]],
          later: list[tuple[bool, Record]]) -> None:
    """Append a later start; what it repeats is dropped before."""
    first = next((r['step'] for trains, r in later if trains), None)
    if first is not None:
        for place, (trains, record) in enumerate(joined):
            if trains and record['step'] >= first:
                del joined[place:]
                break
    joined += later


def _panel(key: str) -> str:
    group, _, name = key.partition('/')
    if group in ('conflict', 'balance') and '.' in name:
        # over updates, each on its own scale
        return f'gradients: {name.rpartition(".")[2]}'
    if group == 'balance':
        return ('balancer: updates without weights' if name == 'fallbacks'
                else 'balancer: factors')
    for mark, what in (('/', 'metrics'), ('.', 'losses')):
        task, found, _ = key.partition(mark)
        if found:
            return f'{task} {what}'
    return 'total losses' if 'loss' in key else 'selection metrics'
