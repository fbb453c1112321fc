"""Summary, main table and the figures of every seed."""
from .blocks import Block, Bullets, Entry, Gallery, Panel, Section, Table, Text
from .collect import Collection, Group, task_of
from .scores import (Score, best_of, delta, delta_m, is_lower_better,
                     primary_metrics, score_of, summarise)
from .svg import dot_plot

__all__ = [
    'main_section', 'main_table', 'metric_name', 'seed_table',
    'summary_section', 'value_text'
]

EMPTY = '–'
_WORDS = {'det': 'detection', 'seg': 'segmentation'}


def metric_name(metric: str) -> str:
    """How a column calls a metric.

    Example:
        >>> metric_name('det/AP50_min20')
        'AP50 min20'
    """
    return metric.partition('/')[2].replace('_', ' ') or metric


def value_text(score: Score | None) -> str:
    """Mean ± standard deviation; a single value carries a mark.

    Example:
        >>> value_text(Score(12.345, 0.5, 2)), value_text(Score(3.0, None, 1))
        ('12.35 ± 0.50', '3.00 ¹')
    """
    if score is None:
        return EMPTY
    if score.std is None:
        return f'{score.mean:.2f} ¹'
    return f'{score.mean:.2f} ± {score.std:.2f}'


def summary_section(data: Collection) -> Section:
    """What there is and what is missing."""
    runs = data.runs
    seeds = sorted({r.seed for r in runs if r.seed is not None})
    facts = [
        f'{_count(len(data.groups), "cell")}, {_count(len(runs), "run")}'
        + (f'; seed{"s" * (len(seeds) > 1)} {", ".join(map(str, seeds))}'
           if seeds else '') + '.'
    ]
    minutes = [r.minutes for r in runs if r.minutes is not None]
    if minutes:
        facts.append(f'{sum(minutes):.0f} minutes of training in all.')
    dates = sorted({r.facts.get('date', '') for r in runs} - {''})
    if dates:
        facts.append('Finished on ' + (
            dates[0] if len(dates) == 1
            else f'{dates[0]} to {dates[-1]}') + '.')
    commits = list(dict.fromkeys(
        r.facts['commit'] for r in runs if r.facts.get('commit')))
    if commits:
        facts.append(
            f'Code at {_count(len(commits), "commit")}: '
            f'{", ".join(commits)}.')
    blocks: list[Block] = [Bullets(facts)]
    if data.missing:
        blocks.append(Text('What is missing', 'head'))
        blocks.append(Bullets(data.missing))
    else:
        blocks.append(Text('Every cell that was asked for has a result.'))
    return Section('Summary', blocks)


def main_section(data: Collection) -> Section:
    """The first figure and the main table."""
    blocks: list[Block] = [Text(data.note, 'note')] if data.note else []
    panels = [_dots(data, metric)
              for metric in primary_metrics(data.metrics).values()]
    blocks.append(Gallery(
        panels, width=340,
        caption='A dot per seed, a bar at their mean' + (
            '; the vertical line is the task learnt alone.'
            if data.baseline else '.')))
    blocks += [main_table(data), seed_table(data)]
    return Section('Results', blocks)


def main_table(data: Collection) -> Table:
    """A row per cell: means over seeds, gains, the papers' figures."""
    paper = list(dict.fromkeys(
        m for group in data.groups for m in group.runs[0].paper))
    changed = [m for task, m in primary_metrics(data.metrics).items()
               if task in data.baseline]
    best = _best(data)
    rows = []
    for number, group in enumerate(data.groups):
        row = [Entry(group.title, colour=number)]
        for metric in data.metrics:
            row.append(Entry(value_text(score_of(group, metric)),
                             best=group.key in best[metric]))
        for metric in changed:
            row.append(_change(delta(data, group, metric),
                               -1 if is_lower_better(metric) else 1))
        if data.baseline:
            row.append(_change(delta_m(data, group), 1, ' %',
                               group.key in best['Δm']))
        row += [Entry(f'{group.runs[0].paper[m]:.2f}'
                      if m in group.runs[0].paper else EMPTY) for m in paper]
        rows.append([*row, *_effort(group)])
    names = [f'{task_of(m)} {metric_name(m)}' for m in data.metrics]
    header = ['cell', *names]
    header += [f'Δ {task_of(m)} {metric_name(m)}' for m in changed]
    header += ['Δm'] * bool(data.baseline)
    header += [f'{task_of(m)} {metric_name(m)}' for m in paper]
    header += ['seeds', 'updates', 'minutes']
    count = len(changed) + bool(data.baseline)
    groups = [('', 1), ('measured here, mean ± std over seeds', len(names)),
              ('against the task alone', count),
              ('paper ²', len(paper)), ('training', 3)]
    return Table(header, rows, _notes(data, bool(paper)),
                 [group for group in groups if group[1]])


def seed_table(data: Collection) -> Table:
    """A row per run, behind a fold."""
    rows = []
    for number, group in enumerate(data.groups):
        for run in group.runs:
            rows.append([
                Entry(run.name, colour=number),
                *(Entry(f'{run.metrics[m]:.2f}' if m in run.metrics
                        else EMPTY) for m in data.metrics),
                Entry(run.facts.get('tested') or EMPTY),
                Entry(run.facts.get('config') or EMPTY),
                Entry(run.facts.get('date') or EMPTY),
                Entry(run.facts.get('commit') or EMPTY)
            ])
    names = [f'{task_of(m)} {metric_name(m)}' for m in data.metrics]
    return Table(['run', *names, 'tested', 'config', 'date', 'commit'], rows,
                 fold='Every run')


def _best(data: Collection) -> dict[str, set[str]]:
    best = {}
    for metric in data.metrics:
        scores = {g.key: score_of(g, metric) for g in data.groups}
        best[metric] = best_of({k: s.mean if s else None
                                for k, s in scores.items()},
                               is_lower_better(metric))
    tasks = set(primary_metrics(data.metrics))
    # gains of cells with fewer tasks are other means
    best['Δm'] = best_of({g.key: delta_m(data, g) for g in data.groups
                          if tasks <= set(g.tasks)})
    return best


def _effort(group: Group) -> list[Entry]:
    updates = sorted({r.updates for r in group.runs if r.updates is not None})
    minutes = summarise(
        r.minutes for r in group.runs if r.minutes is not None)
    steps = EMPTY
    if updates:
        steps = str(updates[0]) if len(updates) == 1 else (
            f'{updates[0]} to {updates[-1]}')
    return [Entry(str(len(group.runs))), Entry(steps),
            Entry(f'{minutes.mean:.1f}' if minutes else EMPTY)]


def _change(value: float | None, sign: int, unit: str = '',
            best: bool = False) -> Entry:
    if value is None:
        return Entry(EMPTY)
    # judged as it is printed
    shown = round(value, 2) * sign
    mood = 'up' if shown > 0 else 'down' if shown < 0 else ''
    return Entry(f'{value:+.2f}{unit}'.replace('-', '−'), best, mood)


def _notes(data: Collection, paper: bool) -> list[str]:
    notes = ['● best of its column. ± is the sample standard deviation over '
             'seeds (n − 1).']
    if any(len(group.runs) == 1 for group in data.groups):
        notes.append('¹ one seed: no spread is known.')
    if data.baseline:
        cells = ', '.join(
            f'{_WORDS.get(task, task)}: “{base.title}”'
            for task, key in data.baseline.items()
            if (base := data.group(key)))
        notes.append('Δ is the difference of the means to the cell that '
                     f'learns the task alone ({cells or "none is here"}), in '
                     'points of the metric.')
        chosen = ', '.join(primary_metrics(data.metrics).values())
        notes.append(
            'Δm = 100 / T · Σ s (M − B) / B over the T tasks of a cell: the '
            'mean relative gain over the tasks learnt alone in percent, with '
            f'{chosen}; s is −1 where lower is better, else 1. ● compares '
            'cells with all tasks.')
        notes += _uneven(data)
    if paper:
        notes.append(f'² {data.source or "The matrix names no source"}. '
                     'These are figures of other data, models and metrics: '
                     'compare their order, not their values.')
    return notes


def _uneven(data: Collection) -> list[str]:
    """Gains between cells of different seeds."""
    notes = []
    for task, key in data.baseline.items():
        base = data.group(key)
        if base is None:
            notes.append(f'The cell {key!r} is not here: no Δ of '
                         f'{_WORDS.get(task, task)}.')
            continue
        seeds = {run.seed for run in base.runs}
        other = [g.title for g in data.groups if task in g.tasks
                 and {run.seed for run in g.runs} != seeds]
        if other:
            notes.append(
                f'Other seeds than those of “{base.title}”: '
                f'{", ".join(other)}; their Δ compare different seeds.')
    return notes


def _dots(data: Collection, metric: str) -> Panel:
    rows = []
    for number, group in enumerate(data.groups):
        values = [r.metrics[metric] for r in group.runs
                  if metric in r.metrics]
        if values:
            rows.append((group.title, number, values))
    base = data.group(data.baseline.get(task_of(metric)))
    score = score_of(base, metric) if base else None
    word = _WORDS.get(task_of(metric), task_of(metric))
    return Panel(f'{word}: {metric_name(metric)}',
                 dot_plot(rows, score.mean if score else None))


def _count(number: int, word: str) -> str:
    return f'{number} {word}{"" if number == 1 else "s"}'
