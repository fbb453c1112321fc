"""Curves and matrices as pictures."""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ['draw_matrix', 'plot_panels']


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


def _write(figure: Figure, path: str | Path) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_figure(str(path), dpi=120)
