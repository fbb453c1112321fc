"""Maps of further tasks: what a summary says, and what is wrong with all."""
from collections.abc import Iterator

import numpy as np

from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.structures import DEPTH, EDGES, SALIENCY

from .stream_report import MapCounts, StreamReport

__all__ = ['judge_maps', 'map_text']

#: Metres between which the middle of a depth map may lie.
METRES = 0.05, 1000.0


def map_text(stream: StreamReport, task: str) -> str:
    """What the maps of a task hold, in one line.

    Args:
        stream: With maps of it.
        task: Its name.
    """
    counts, kind = stream.maps[task], stream.kind(task)
    known = counts.known / max(counts.pixels, 1)
    said = f'{known:.1%} of the pixels known'
    if counts.odd:
        said += f', {counts.odd / counts.pixels:.1%} NaN or infinite'
    if kind in (EDGES, SALIENCY):
        share = int(counts.values[1]) / max(counts.known, 1)
        return f'{share:.2%} of the known pixels are a yes; {said}'
    if counts.middles:
        unit = f' {stream.meta.get(task, {}).get("unit") or ""}'.rstrip()
        return (f'{counts.low:.4g} to {counts.high:.4g}{unit}, middle '
                f'{np.median(counts.middles):.4g}{unit}; {said}')
    return said


def judge_maps(stream: StreamReport) -> Iterator[Problem]:
    """Problems of all maps of a task, each once."""
    for task, counts in stream.maps.items():
        kind = stream.kind(task)
        if counts.negative:
            share = counts.negative / counts.pixels
            yield Problem(
                stream.name, f'has {share:.1%} of the pixels of {task!r} '
                'below 0, which count as unknown: a wrong sign?', 'turn it '
                'in the files, or mark what is unknown by 0 or NaN', 'range',
                WARNING)
        if not counts.known:
            yield Problem(
                stream.name, f'has no valid pixel of {task!r} at all',
                'see how invalid pixels are marked', 'nothing')
        elif kind in (EDGES, SALIENCY):
            yield from _one_answer(stream, task, counts)
        elif kind == DEPTH:
            yield from _odd_depth(stream, task, counts)
        ignored = counts.values[IGNORE] / max(counts.pixels, 1)
        if task in stream.classes and 0.5 < ignored < 1:
            yield Problem(
                stream.name, f'ignores {ignored:.1%} of the pixels of '
                f'{task!r}', 'see that the ignored value is no class',
                'values', WARNING)


def _one_answer(stream: StreamReport, task: str,
                counts: MapCounts) -> Iterator[Problem]:
    yes = int(counts.values[1])
    if yes in (0, counts.known):
        yield Problem(
            stream.name, f'has {"no" if not yes else "nothing but"} yes in '
            f'the maps of {task!r}', 'set `threshold`, the lowest value of '
            'a yes', 'nothing')


def _odd_depth(stream: StreamReport, task: str,
               counts: MapCounts) -> Iterator[Problem]:
    unit = stream.meta.get(task, {}).get('unit') or ''
    middle = float(np.median(counts.middles))
    if counts.low == counts.high:
        yield Problem(
            stream.name, f'has one value alone ({counts.low:g}) in all maps '
            f'of {task!r}', 'see that these are the right files', 'nothing')
    elif unit == 'm' and not METRES[0] <= middle <= METRES[1]:
        yield Problem(
            stream.name, f'has {task!r} from {counts.low:.4g} to '
            f'{counts.high:.4g} m, with {middle:.4g} m in the middle',
            'see that `scale` makes metres of the values in the files',
            'range', WARNING)
