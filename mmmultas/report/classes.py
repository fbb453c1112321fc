"""Class by class: scores, curves, kinds of mistakes, confusions."""
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmmultas.evaluation.tide import ERRORS, TideErrors, tide_errors
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError, UserError
from mmmultas.utils.progress import progress

from .blocks import (Block, Entry, Gallery, Legend, Panel, Section, Skipped,
                     Table, Text)
from .collect import Collection
from .judged import Judged
from .scores import best_of, summarise
from .svg import Line, bars, heat_matrix, line_chart
from .tested import Tested

__all__ = [
    'class_table', 'classes_section', 'mistakes_section', 'without_empty'
]

_NAMES = {DET: 'detection', SEG: 'segmentation'}
_POINTS = 150
#: Number of the series, title, name of the run, what it is worth.
Shown = tuple[int, str, str, Judged]


def classes_section(data: Collection, tested: Tested,
                    max_classes: int = 6) -> Section:
    """Tables per class and curves of precision over recall."""
    section = Section('Classes', [Skipped(why) for why in tested.absent])
    for task, what in ((DET, 'AP50'), (SEG, 'IoU')):
        table = class_table(data, tested, task)
        if table is None:
            section.blocks.append(Skipped(
                f'No {what} per class: no run of {_NAMES[task]} has '
                'predictions that can be judged here.'))
            continue
        section.blocks += [Text(f'{what} of each class', 'head'), table]
    section.blocks += _precision(data, tested, max_classes)
    return section


def class_table(data: Collection, tested: Tested,
                task: str) -> Table | None:
    """A row per cell, a column per class: means over seeds.

    None where no run has predictions for the task.
    """
    values: dict[str, dict[str, float | None]] = {}
    for group in data.groups:
        judged = [tested.found[r.name] for r in group.runs
                  if r.name in tested.found]
        scores = [j.ap50 if task == DET else j.iou for j in judged]
        for name in dict.fromkeys(n for s in scores for n in s):
            mean = summarise(s[name] for s in scores if name in s)
            values.setdefault(name, {})[group.key] = (
                mean.mean if mean else None)
    if not values:
        return None
    shown = [g for g in data.groups
             if any(g.key in v for v in values.values())]
    best = {name: best_of(by_key) for name, by_key in values.items()}
    rows = []
    for name in sorted(values, key=lambda name: -_size(tested, task, name)):
        by_key, boxes = values[name], _size(tested, task, name)
        rows.append([Entry(name), Entry(
            str(boxes) if task == DET else f'{100 * boxes:.1f}'), *(
                _class_entry(by_key.get(g.key), g.key in best[name])
            for g in shown)])
    header = ['class', 'boxes' if task == DET else '% of pixels',
              *(g.title for g in shown)]
    seeds = sorted({len(g.runs) for g in shown})
    note = 'Percent, mean over seeds' + (
        ' (one each).' if seeds == [1] else '.')
    return Table(header, rows, [
        f'{note} The most frequent classes of the test come first; rare ones '
        'say little.'])


def mistakes_section(data: Collection, tested: Tested,
                     tasks: Sequence[str] = (DET, SEG)) -> Section:
    """Kinds of wrong boxes and confusion matrices, of one seed."""
    section = Section('Mistakes')
    shown = _first_seed(data, tested)
    if not shown:
        section.blocks.append(Skipped('No run has predictions that can be '
                                      'judged here.'))
        return section
    if DET in tasks:
        section.blocks += _tide(tested, shown)
    for task in tasks:
        found = [entry for entry in shown if task in entry[3].confusions]
        panels = []
        for _, title, name, judged in found:
            names = tested.truths[name].classes(task)
            counts, kept = without_empty(
                judged.confusions[task],
                [*names, 'nothing'] if task == DET else names)
            panels.append(Panel(f'{title} ({name})',
                                heat_matrix(counts, kept)))
        if panels:
            what = 'boxes with a score of 0.3 or more' if task == DET \
                else 'pixels'
            section.blocks.append(Gallery(
                panels, width=420,
                fold=f'Confusions of {_NAMES[task]}',
                caption=f'{what.capitalize()}, percent of each true class '
                f'(rows). Classes that occur nowhere are left out.'))
    return section


def without_empty(counts: NDArray,
                  names: Sequence[str]) -> tuple[NDArray, list[str]]:
    """Leave out the classes that are neither true nor predicted.

    Example:
        >>> without_empty(np.array([[1, 0], [0, 0]]), ['a', 'b'])
        (array([[1]]), ['a'])
    """
    kept = np.flatnonzero(counts.sum(0) + counts.sum(1))
    return counts[np.ix_(kept, kept)], [names[k] for k in kept]


def _size(tested: Tested, task: str, name: str) -> float:
    """How frequent a class is in the test: boxes, or share of pixels."""
    for run, judged in tested.found.items():
        if task == DET and name in judged.boxes:
            return judged.boxes[name]
        if task == SEG and task in judged.confusions:
            counts = judged.confusions[task].sum(1)
            place = tested.truths[run].classes(task).index(name)
            return float(counts[place] / max(counts.sum(), 1))
    return 0


def _class_entry(value: float | None, best: bool) -> Entry:
    if value is None or math.isnan(value):
        return Entry('–')
    return Entry(f'{value:.1f}', best, shade=max(value, 0.01) / 100)


def _first_seed(data: Collection, tested: Tested) -> list[Shown]:
    """The first judged run of each cell."""
    shown = []
    for number, group in enumerate(data.groups):
        run = next((r for r in group.runs if r.name in tested.found), None)
        if run is not None:
            shown.append((number, group.title, run.name,
                          tested.found[run.name]))
    return shown


def _precision(data: Collection, tested: Tested, limit: int) -> list[Block]:
    shown = [entry for entry in _first_seed(data, tested) if entry[3].curves]
    if not shown:
        return [Skipped('No curves of precision over recall: no detector has '
                        'predictions that can be judged here.')]
    counts: dict[str, int] = {}
    for entry in shown:
        counts |= entry[3].boxes
    names = sorted(counts, key=lambda name: -counts[name])[:limit]
    panels = [Panel(f'{name} ({counts[name]} boxes)', line_chart(
        [Line(title, number, *_steps(*judged.curves[name]))
         for number, title, _, judged in shown if name in judged.curves],
        'recall', (0, 1), (0, 1), size=(340, 240))) for name in names]
    return [
        Text('Precision over recall', 'head'),
        Legend([(title, number) for number, title, *_ in shown]),
        Gallery(panels, width=310, caption=f'The {len(names)} classes with '
                f'the most boxes, at IoU 0.5; '
                f'{_runs([e[2] for e in shown])}.')
    ]


def _steps(recall: NDArray,
           precision: NDArray) -> tuple[list[float], list[float]]:
    """Few enough points; down to zero after the last one."""
    if not len(recall):
        return [0.0], [0.0]
    # a curve turns at each hit and just before it
    hits = np.flatnonzero(np.diff(recall, prepend=0.0))
    hits = hits[np.unique(np.linspace(0, len(hits) - 1, _POINTS).astype(int))
                ] if len(hits) else hits
    places = np.unique(np.r_[0, hits, np.maximum(hits - 1, 0),
                             len(recall) - 1])
    xs = [0.0, *recall[places].tolist(), float(recall[-1])]
    ys = [float(precision[0]), *precision[places].tolist(), 0.0]
    return xs, ys


def _tide(tested: Tested, shown: Sequence[Shown]) -> list[Block]:
    results: list[tuple[int, str, str, TideErrors]] = []
    blocks: list[Block] = []
    detectors = [entry for entry in shown if entry[3].images]
    for number, title, name, judged in progress(
            detectors, what='TIDE', unit='run'):
        try:
            results.append((number, title, name, tide_errors(
                judged.images, tested.truths[name].classes(DET))))
        except UserError as error:
            blocks.append(Skipped(f'No kinds of errors of {title}: {error}'))
            if isinstance(error, ConfigError):  # the same for all
                return [Skipped(f'No kinds of errors (TIDE): {error}')]
    if not results:
        return blocks or [Skipped('No kinds of errors (TIDE): no detector '
                                  'has predictions that can be judged here.')]
    rows = [[Entry(title, colour=number), Entry(f'{found.ap:.2f}'),
             *(Entry(f'{found.dap[e]:.2f}') for e in ERRORS)]
            for number, title, _, found in results]
    chart = bars(ERRORS, [(title, number, [found.dap[e] for e in ERRORS])
                          for number, title, _, found in results],
                 'dAP, percent points')
    notes = ['Points of AP50 that would come back if all mistakes of a kind '
             'were mended: Cls right place, wrong class; Loc right class, '
             'poor place; Both; Dupe found twice; Bkg nothing there; Miss '
             'not found. FP and FN, all wrong and all missing boxes, overlap '
             'the others. This AP50 is that of TIDE '
             f'(docs/analysis_tools.md); {_runs([e[2] for e in results])}.']
    return [*blocks, Text('Kinds of wrong boxes (TIDE)', 'head'),
            Legend([(title, number) for number, title, *_ in results]),
            Gallery([Panel('', chart)], width=700),
            Table(['cell', 'AP50', *ERRORS], rows, notes)]


def _runs(names: Sequence[str]) -> str:
    return 'one seed of each cell: ' + ', '.join(names)
