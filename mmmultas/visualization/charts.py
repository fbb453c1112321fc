"""Curves and matrices as pictures."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = [
    'draw_bars', 'draw_matrix', 'plot_panels', 'plot_precision_recall'
]


def plot_panels(panels: Mapping[str, Mapping[str, Any]], path: str | Path,
                x_labels: Mapping[str, str] | None = None) -> None:
    """Write one panel per group of curves, two in a row.

    Args:
        panels: Title to label to curve, an object with ``steps`` and
            ``values``.
        path: The picture.
        x_labels: Title to the name of the horizontal axis.
    """
    rows = (len(panels) + 1) // 2
    columns = min(len(panels), 2)
    figure = Figure((6.4 * columns, 3.8 * rows), layout='constrained')
    for place, (title, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        for label, curve in curves.items():
            dots = 'o' if len(curve.steps) < 40 else None
            axes.plot(curve.steps, curve.values, marker=dots, markersize=3,
                      linewidth=1.2, label=label)
        axes.set_title(title)
        axes.set_xlabel((x_labels or {}).get(title, 'step'))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    _write(figure, path)


def draw_matrix(counts: NDArray, rows: Sequence[str], columns: Sequence[str],
                title: str, path: str | Path) -> None:
    """Write a confusion matrix, every row in percent of its sum.

    Args:
        counts: (R, C); rows are the truth. A row without counts stays
            empty.
        rows: R names.
        columns: C names.
        title: Above the picture.
        path: The picture.
    """
    sums = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.maximum(sums, 1)
    side = 3 + 0.42 * max(len(rows), len(columns))
    figure = Figure((side + 1, side), layout='constrained')
    axes = figure.add_subplot()
    picture = axes.imshow(percent, cmap='Blues', vmin=0, vmax=100)
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel('prediction')
    axes.set_ylabel('truth')
    axes.set_title(title)
    for row, column in np.argwhere(percent >= 0.5):
        value = percent[row, column]
        axes.text(column, row, f'{value:.0f}', ha='center', va='center',
                  fontsize=8, color='white' if value > 60 else 'black')
    figure.colorbar(picture, ax=axes, shrink=0.7, label='percent of the row')
    _write(figure, path)


def plot_precision_recall(
        runs: Mapping[str, Mapping[str, tuple[NDArray, NDArray]]],
        path: str | Path,
        title: str = '') -> None:
    """Write one panel per class, a curve per run in it.

    Args:
        runs: Name of the run to class to recall (R,) and precision (R,),
            best score first.
        path: The picture.
        title: Above the picture.
    """
    names = list(dict.fromkeys(n for curves in runs.values() for n in curves))
    columns = max(min(len(names), 4), 1)
    rows = max(-(-len(names) // columns), 1)
    figure = Figure((3.1 * columns, 2.7 * rows + 0.6), layout='constrained')
    handles: dict[str, Any] = {}
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(rows, columns, place)
        for number, (run, curves) in enumerate(runs.items()):
            if name not in curves:
                continue
            [handles[run]] = axes.plot(
                *_to_the_axes(*curves[name]), linewidth=1.2,
                color=f'C{number % 10}')
        axes.set(title=name, xlim=(0, 1.02), ylim=(0, 1.02))
        if place > len(names) - columns:
            axes.set_xlabel('recall')
        if place % columns == 1 or columns == 1:
            axes.set_ylabel('precision')
        axes.grid(alpha=0.3)
    if len(runs) > 1:
        figure.legend(handles.values(), handles.keys(),
                      loc='outside lower center', ncols=min(len(runs), 4))
    figure.suptitle(title)
    _write(figure, path)


def _to_the_axes(recall: NDArray,
                 precision: NDArray) -> tuple[NDArray, NDArray]:
    """Level before the first detection, down to zero after the last."""
    if not len(recall):
        return np.zeros(1), np.zeros(1)
    return (np.concatenate(([0], recall, recall[-1:])),
            np.concatenate((precision[:1], precision, [0])))


def draw_bars(panels: Mapping[str, Mapping[str, Mapping[str, float]]],
              path: str | Path,
              y_label: str = '') -> None:
    """Write one panel per group of bars, a colour per run.

    Args:
        panels: Title to run to name of the bar to its height; all panels
            share one scale.
        path: The picture.
        y_label: Name of the vertical axis.
    """
    names = [list(dict.fromkeys(n for bars in runs.values() for n in bars))
             for runs in panels.values()]
    figure = Figure((1.5 + 1.1 * sum(map(len, names)), 3.8),
                    layout='constrained')
    boxes = np.atleast_1d(figure.subplots(
        1, len(panels), sharey=True,
        width_ratios=[max(len(group), 1) for group in names]))
    for axes, (title, runs), group in zip(boxes, panels.items(), names):
        width = 0.8 / max(len(runs), 1)
        for number, (run, bars) in enumerate(runs.items()):
            shift = (number - (len(runs) - 1) / 2) * width
            places = np.array([group.index(name) for name in bars]) + shift
            drawn = axes.bar(places, list(bars.values()), width, label=run)
            axes.bar_label(drawn, fmt='%.1f', fontsize=7)
        axes.set_xticks(range(len(group)), group)
        axes.set_title(title)
        axes.grid(alpha=0.3, axis='y')
        axes.set_axisbelow(True)
    boxes[0].set_ylabel(y_label)
    if any(len(runs) > 1 for runs in panels.values()):
        figure.legend(*boxes[0].get_legend_handles_labels(),
                      loc='outside lower center')
    _write(figure, path)


def _write(figure: Figure, path: str | Path) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_figure(str(path), dpi=120)
