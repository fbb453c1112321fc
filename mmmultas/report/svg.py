"""Charts as inline SVG; colours are those of the page, light or dark."""
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

__all__ = [
    'HUES', 'Line', 'bars', 'dot_plot', 'heat_matrix', 'line_chart',
    'series_class', 'ticks'
]

#: Hues of the page; further series repeat them with dashes.
HUES = 8
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 34


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: What hovering tells.
        colour: Number of the series.
        xs: Places.
        ys: Values; not finite ones break the curve.
        faint: Drawn in the background.
    """
    name: str
    colour: int
    xs: Sequence[float]
    ys: Sequence[float]
    faint: bool = False


def series_class(number: int) -> str:
    """Classes of a series: its hue and its dashes.

    Example:
        >>> series_class(9)
        's1 d1'
    """
    return f's{number % HUES} d{number // HUES % 3}'


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers within a range.

    Example:
        >>> ticks(0, 1)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    raw = span / count
    power = 10.0**math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= raw
                - 1e-12 * raw)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def line_chart(lines: Sequence[Line],
               x_label: str,
               y_range: tuple[float, float] | None = None,
               x_range: tuple[float, float] | None = None,
               zero: bool = False,
               size: tuple[int, int] = (400, 235)) -> str:
    """Curves over a common axis.

    Args:
        lines: The curves, later ones on top.
        x_label: Name of the horizontal axis.
        y_range: Of the values; default that of the lines that are not
            faint, with some air.
        x_range: Of the places.
        zero: Draw the level 0.
        size: Width and height.
    """
    main = [line for line in lines if not line.faint] or list(lines)
    x_low, x_high = x_range or _span([x for line in main for x in line.xs])
    y_low, y_high = y_range or _airy(
        [y for line in main for y in line.ys] + [0.0] * zero)
    frame = _Frame(size, (x_low, x_high), (y_low, y_high))
    parts = [frame.grid(x_label)]
    if zero:
        parts.append(f'<line class="zero" x1="{_LEFT}" '
                     f'x2="{size[0] - _RIGHT}" y1="{frame.y(0):.1f}" '
                     f'y2="{frame.y(0):.1f}"/>')
    for line in sorted(lines, key=lambda line: not line.faint):
        for points in frame.pieces(line):
            parts.append(
                f'<polyline class="line {series_class(line.colour)}'
                f'{" faint" if line.faint else ""}" points="{points}">'
                f'<title>{escape(line.name)}</title></polyline>')
    return _svg(size, parts, f'curves over {x_label}')


def dot_plot(rows: Sequence[tuple[str, int, Sequence[float]]],
             reference: float | None = None,
             width: int = 480) -> str:
    """A row per name: a dot per value, a bar at their mean.

    Args:
        rows: Name, number of the series and values.
        reference: A vertical line.
        width: Of the chart.
    """
    if not rows:
        return ''
    values = [v for _, _, found in rows for v in found]
    low, high = _airy(values + ([] if reference is None else [reference]))
    height = 44 * len(rows) + 30
    inner = width - 12

    def x(value: float) -> float:
        return 6 + inner * (value - low) / (high - low)

    parts = []
    for tick in ticks(low, high):
        parts.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" '
            f'y1="4" y2="{height - 24}"/><text class="tick" x="{x(tick):.1f}"'
            f' y="{height - 8}" text-anchor="middle">{tick:g}</text>')
    if reference is not None:
        parts.append(
            f'<line class="reference" x1="{x(reference):.1f}" '
            f'x2="{x(reference):.1f}" y1="4" y2="{height - 24}"/>')
    for place, (name, number, found) in enumerate(rows):
        y, mean = 44 * place + 32, sum(found) / len(found)
        kind = series_class(number)
        parts.append(f'<text class="name" x="6" y="{y - 14}">{escape(name)}'
                     f' <tspan class="value">{mean:.2f}</tspan></text>')
        parts.append(f'<line class="track" x1="6" x2="{width - 6}" y1="{y}" '
                     f'y2="{y}"/>')
        for value in found:
            parts.append(f'<circle class="dot {kind}" cx="{x(value):.1f}" '
                         f'cy="{y}" r="4.5"><title>{value:.2f}</title>'
                         '</circle>')
        parts.append(f'<rect class="mean {kind}" x="{x(mean) - 1.5:.1f}" '
                     f'y="{y - 9}" width="3" height="18"/>')
    return _svg((width, height), parts, 'values by cell')


def bars(names: Sequence[str],
         runs: Sequence[tuple[str, int, Sequence[float]]],
         y_label: str) -> str:
    """Groups of upright bars, one per run in each group.

    Args:
        names: Of the groups.
        runs: Name, number of the series and a value per group.
        y_label: Name of the vertical axis.
    """
    size = (max(360, 90 * len(names)), 230)
    top = max([v for _, _, values in runs for v in values], default=1.0)
    frame = _Frame(size, (0, len(names)), (0, max(top, 1e-6) * 1.08))
    parts = [frame.grid('', x_ticks=False)]
    wide = 0.8 / max(len(runs), 1)
    for group, name in enumerate(names):
        middle = frame.x(group + 0.5)
        parts.append(f'<text class="tick" x="{middle:.1f}" '
                     f'y="{size[1] - 18}" text-anchor="middle">'
                     f'{escape(name)}</text>')
        for place, (run, number, values) in enumerate(runs):
            left = frame.x(group + 0.1 + place * wide)
            y = frame.y(values[group])
            parts.append(
                f'<rect class="bar {series_class(number)}" x="{left:.1f}" '
                f'y="{y:.1f}" width="{0.92 * wide * frame.unit:.1f}" '
                f'height="{max(frame.y(0) - y, 0):.1f}">'
                f'<title>{escape(run)}, {escape(name)}: '
                f'{values[group]:.2f}</title></rect>')
    parts.append(f'<text class="tick" x="{size[0] - _RIGHT}" '
                 f'y="{size[1] - 3}" text-anchor="end">{escape(y_label)}'
                 '</text>')
    return _svg(size, parts, y_label)


def heat_matrix(counts: NDArray, names: Sequence[str]) -> str:
    """A confusion matrix, every row in percent of its sum.

    Args:
        counts: (R, R), rows are the truth.
        names: R names.
    """
    counts = np.asarray(counts, np.float64)
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    step, left, top = 26, 92, 88
    side = step * len(names)
    parts = []
    for k, name in enumerate(names):
        middle = k * step + step / 2
        parts.append(
            f'<text class="tick" x="{left - 6}" y="{top + middle + 4:.0f}" '
            f'text-anchor="end">{escape(name)}</text>'
            f'<text class="tick" transform="translate('
            f'{left + middle + 4:.0f} {top - 6}) rotate(-60)">{escape(name)}'
            '</text>')
    parts.append(f'<rect class="frame" x="{left}" y="{top}" width="{side}" '
                 f'height="{side}"/>')
    for row, column in np.argwhere(percent >= 0.5):
        value = percent[row, column]
        x, y = left + column * step, top + row * step
        parts.append(
            f'<rect class="heat" x="{x}" y="{y}" width="{step}" '
            f'height="{step}" fill-opacity="{value / 100:.2f}"/>'
            f'<text class="{"in" if value > 55 else "out"}" '
            f'x="{x + step / 2:.0f}" y="{y + step / 2 + 4:.0f}" '
            f'text-anchor="middle">{value:.0f}</text>')
    return _svg((left + side + 40, top + side + 6), parts,
                'confusion matrix, rows are the truth')


class _Frame:
    """Maps values to places within the axes."""

    def __init__(self, size: tuple[int, int], xs: tuple[float, float],
                 ys: tuple[float, float]) -> None:
        self.size, self.xs, self.ys = size, xs, ys
        self.unit = (size[0] - _LEFT - _RIGHT) / (xs[1] - xs[0])

    def x(self, value: float) -> float:
        return _LEFT + self.unit * (value - self.xs[0])

    def y(self, value: float) -> float:
        low, high = self.ys
        share = (value - low) / (high - low)
        return self.size[1] - _BOTTOM - share * (
            self.size[1] - _BOTTOM - _TOP)

    def grid(self, x_label: str, x_ticks: bool = True) -> str:
        right, floor = self.size[0] - _RIGHT, self.size[1] - _BOTTOM
        parts = []
        for tick in ticks(*self.ys):
            y = self.y(tick)
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" '
                f'y2="{y:.1f}"/><text class="tick" x="{_LEFT - 6}" '
                f'y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
        for tick in ticks(*self.xs, 6) if x_ticks else ():
            parts.append(
                f'<text class="tick" x="{self.x(tick):.1f}" y="{floor + 15}"'
                f' text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text class="tick" x="{right}" y="{floor + 29}" '
                     f'text-anchor="end">{escape(x_label)}</text>')
        return ''.join(parts)

    def pieces(self, line: Line) -> Iterable[str]:
        """Points of the curve, broken where it is not finite."""
        top, floor = _TOP, self.size[1] - _BOTTOM
        parts: list[list[str]] = [[]]
        for x, y in zip(line.xs, line.ys):
            if math.isfinite(x) and math.isfinite(y):
                height = min(max(self.y(y), top), floor)
                parts[-1].append(f'{self.x(x):.1f},{height:.1f}')
            else:
                parts.append([])
        # a point alone is drawn by a line to itself
        return [' '.join(part if len(part) > 1 else part * 2)
                for part in parts if part]


def _svg(size: tuple[int, int], parts: Sequence[str], label: str) -> str:
    return (f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img" '
            f'aria-label="{escape(label)}">{"".join(parts)}</svg>')


def _span(values: Sequence[float]) -> tuple[float, float]:
    known = [v for v in values if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _airy(values: Sequence[float]) -> tuple[float, float]:
    low, high = _span(values)
    air = 0.06 * (high - low)
    return low - air, high + air
