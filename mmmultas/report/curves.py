"""What the runs logged: losses, metrics by epoch, balance of tasks."""
import re
from collections.abc import Mapping, Sequence

from mmmultas.analysis.run_logs import Curve, curves_of, read_run
from mmmultas.utils.errors import UserError
from mmmultas.utils.progress import progress

from .blocks import Block, Gallery, Legend, Panel, Section, Skipped
from .collect import Collection, reasons
from .svg import Line, line_chart

__all__ = [
    'balance_section', 'conflict_section', 'curves_section', 'read_curves',
    'running_mean', 'thinned'
]

#: Number of the cell's series, name of the run, its curves.
Logged = tuple[int, str, dict[str, Curve]]
#: What a log names beside losses and metrics, over updates.
_BESIDE = ('conflict/', 'balance/')
#: Records that a running mean joins, as a share of all.
_SHARE = 15
_POINTS = 240


def read_curves(data: Collection) -> tuple[list[Logged], list[str]]:
    """The curves of all runs, and a sentence for those without a log."""
    logged: list[Logged] = []
    absent: list[tuple[str, str]] = []
    pairs = [(number, run) for number, group in enumerate(data.groups)
             for run in group.runs]
    for number, run in progress(pairs, what='logs', unit='run'):
        try:
            if run.folder is None:
                raise UserError('only the result is here')
            logged.append((number, run.name, curves_of(read_run(run.folder))))
        except UserError as error:
            absent.append((run.name, str(error)))
    return logged, reasons('Without curves', absent)


def curves_section(data: Collection, logged: Sequence[Logged],
                   absent: Sequence[str] = ()) -> Section:
    """Losses over updates and metrics over epochs."""
    section = Section('Learning curves', [Skipped(why) for why in absent])
    if not logged:
        section.blocks.append(Skipped('No run has left a log: there are no '
                                      'curves.'))
        return section
    section.blocks.append(_legend(data, logged))
    keys = _keys(logged)
    losses = [key for key in keys if 'loss' in key and '/' not in key]
    terms = [key for key in losses if '.' in key] or losses
    if terms:
        section.blocks.append(Gallery(
            [_panel(key, logged, 'update')
             for key in sorted(terms, key=lambda key: key.partition('.')[0])],
            'Losses', f'Thick: running mean over a {_SHARE}th of the run; '
            'faint: as logged. Every seed is a line.'))
    section.blocks.append(_metrics(data, logged, keys))
    return section


def conflict_section(data: Collection, logged: Sequence[Logged]) -> Section:
    """Agreement of the tasks' gradients, where it was measured."""
    section = Section('Gradient conflict')
    found = [(n, run, _conflicts(curves)) for n, run, curves in logged]
    found = [entry for entry in found if entry[2]]
    if not found:
        section.blocks.append(Skipped(
            'No run measured it: add GradientConflictHook to `custom_hooks` '
            '(docs/analysis_tools.md), or take a balancer that looks at '
            'gradients.'))
        return section
    section.blocks.append(_legend(data, found))
    panels = [_panel(key, found, 'update', zero='cosine' in key)
              for key in _keys(found)]
    section.blocks.append(Gallery(
        panels, caption='Cosine: 1 where two tasks pull the shared encoder '
        'the same way, 0 at right angles, below 0 against one another. '
        'norm_ratio: above 1 where the first task pulls harder. Of runs '
        'without GradientConflictHook these are the cosines that the '
        'balancer met.'))
    return section


def balance_section(data: Collection,
                    logged: Sequence[Logged]) -> Section | None:
    """Factors that balancers found; None where no run has one."""
    found = [(n, run, {k: c for k, c in curves.items()
                       if k.startswith('balance/') and '.' not in k})
             for n, run, curves in logged]
    found = [entry for entry in found if entry[2]]
    if not found:
        return None
    failures, keys = 'balance/fallbacks', sorted(_keys(found))
    panels = [_panel(key, found, 'update') for key in keys if key != failures]
    blocks: list[Block] = [_legend(data, found), Gallery(
        panels, caption='What a balancer multiplied the loss of a task by, on '
        'top of `task_weights` (docs/balancing.md). Thick: running mean; '
        'faint: as logged. Compare the tasks of a run: the sum of its factors '
        'differs from rule to rule.')]
    if failures in keys:
        blocks.append(Gallery(
            [_panel(failures, found, 'update', smooth=False)],
            caption='Updates in which a rule found no factors, so far: all '
            'tasks weighed 1 there.'))
    return Section('Balancing', blocks)


def _conflicts(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """As the hook measured them, or a balancer where no hook did."""
    found = {k: c for k, c in curves.items() if k.startswith('conflict/')}
    for key, curve in curves.items():
        if key.startswith('balance/') and key.endswith('.cosine'):
            found.setdefault(key.replace('balance', 'conflict', 1), curve)
    return found


def running_mean(values: Sequence[float], window: int) -> list[float]:
    """Mean over a window around each value, narrower at the ends.

    Example:
        >>> running_mean([0.0, 3.0, 6.0, 3.0], 3)
        [1.5, 3.0, 4.0, 4.5]
    """
    half = window // 2
    smooth = []
    for place in range(len(values)):
        part = values[max(place - half, 0):place + half + 1]
        smooth.append(sum(part) / len(part))
    return smooth


def thinned(curve: Curve, limit: int = _POINTS) -> Curve:
    """Every n-th point and the last one, so that few enough are left."""
    step = -(-len(curve.steps) // limit)
    if step <= 1:
        return curve
    places = [*range(0, len(curve.steps), step)]
    if places[-1] != len(curve.steps) - 1:
        places.append(len(curve.steps) - 1)
    return Curve([curve.steps[k] for k in places],
                 [curve.values[k] for k in places])


def _metrics(data: Collection, logged: Sequence[Logged],
             keys: Sequence[str]) -> Block:
    known = [k for k in keys if '/' in k and not k.startswith(_BESIDE)]
    if not known:
        return Skipped('No metrics over epochs: the runs were not validated '
                       'during training (`val_cfg`).')
    usual = [*data.metrics, 'det/AP50', 'det/mAP', 'seg/mIoU']
    chosen = [k for k in known if k in usual] or known
    return Gallery([_panel(key, logged, 'epoch', smooth=False)
                    for key in chosen], 'Metrics on validation')


def _panel(key: str, logged: Sequence[Logged], unit: str,
           smooth: bool = True, zero: bool = False) -> Panel:
    lines = []
    for number, run, curves in logged:
        if key not in curves:
            continue
        curve = curves[key]
        if smooth and len(curve.values) >= 8:
            raw = thinned(curve)
            lines.append(Line(run, number, *raw, faint=True))
            window = max(3, len(curve.values) // _SHARE | 1)
            curve = Curve(curve.steps, running_mean(curve.values, window))
        lines.append(Line(run, number, *thinned(curve)))
    return Panel(re.sub(r'^(\w+)\.', r'\1: ', key),
                 line_chart(lines, unit, zero=zero))


def _keys(logged: Sequence[tuple[int, str, Mapping[str, Curve]]]
          ) -> list[str]:
    return list(dict.fromkeys(k for _, _, curves in logged for k in curves))


def _legend(data: Collection, logged: Sequence[Logged]) -> Legend:
    used = sorted({number for number, _, _ in logged})
    return Legend([(data.groups[n].title, n) for n in used])
