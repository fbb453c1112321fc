"""What :mod:`mmmultas.projects.data_check` found, as text and as json."""
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from mmmultas.datasets.label_map import IGNORE
from mmmultas.evaluation.tables import text_table
from mmmultas.structures import DET, SEG

from .data_check import DataReport, StreamReport

__all__ = ['report_json', 'report_text']

GROUPS = ('small', 'medium', 'large', 'difficult')


def report_text(report: DataReport) -> str:
    """Tables per stream, then every problem in a line of its own."""
    parts = [_stream_text(stream) for stream in report.streams]
    for stream in report.streams:
        if stream.problems:
            parts.append(_list(f'Problems of {stream.name}',
                               list(dict.fromkeys(map(str,
                                                      stream.problems)))))
    if report.between:
        parts.append(
            _list('Images in training and in validation or test',
                  list(map(str, report.between))))
    count = len(report.problems)
    parts.append('No problem found.' if not count else
                 f'{count} problem{"s" * (count > 1)} found.')
    return '\n\n'.join(parts)


def report_json(report: DataReport) -> dict[str, Any]:
    """The same for programs: streams, problems and their number."""
    return dict(
        num_problems=len(report.problems),
        problems=[vars(problem) for problem in report.problems],
        streams=[_stream_json(stream) for stream in report.streams])


def _list(title: str, lines: list[str]) -> str:
    return '\n'.join([f'{title} ({len(lines)}):', *lines])


def _stream_text(stream: StreamReport) -> str:
    labelled = ', '.join(f'{n} with {_WORDS.get(t, t)}'
                         for t, n in stream.labelled.items())
    count = len(stream.digests)
    lines = [f'{stream.name}: {count} images' + (f' ({labelled})' * bool(
        labelled))]
    lines += [f'  note: {note}' for note in stream.notes]
    if stream.sizes:
        lines.append(_sizes_text(stream.sizes))
    for task, table in ((DET, _box_table), (SEG, _pixel_table)):
        if stream.labelled[task] and task in stream.classes:
            lines += ['', table(stream)]
    return '\n'.join(lines)


_WORDS = {DET: 'boxes', SEG: 'masks'}


def _sizes_text(sizes: Counter[tuple[int, int]]) -> str:
    heights, widths = (np.repeat([s[i] for s in sizes], list(sizes.values()))
                       for i in (0, 1))
    (height, width), often = sizes.most_common(1)[0]
    return (f'  width {widths.min()} to {widths.max()} (median '
            f'{np.median(widths):.0f}), height {heights.min()} to '
            f'{heights.max()} (median {np.median(heights):.0f}); most often '
            f'{width}×{height} ({often})')


def _box_rows(stream: StreamReport) -> Iterator[tuple[str, list[int]]]:
    for name in stream.classes[DET]:
        groups = [stream.boxes[name, group] for group in GROUPS]
        yield name, [sum(groups), *groups]


def _box_table(stream: StreamReport) -> str:
    rows = list(_box_rows(stream))
    totals = [sum(column) for column in zip(*(r for _, r in rows))]
    return text_table(
        ('class', 'boxes', *GROUPS),
        [[name, *map(str, row)] for name, row in (*rows, ('all', totals))])


def _pixel_rows(stream: StreamReport) -> Iterator[tuple[str, int, int]]:
    names = dict(enumerate(stream.classes[SEG]))
    for value, name in (*names.items(), (IGNORE, '(ignored)')):
        yield name, int(stream.masked[value]), int(stream.pixels[value])


def _pixel_table(stream: StreamReport) -> str:
    total = max(int(stream.pixels.sum()), 1)
    return text_table(
        ('class', 'images', 'pixels', 'share (%)'),
        [[name, str(images), str(pixels), f'{100 * pixels / total:.2f}']
         for name, images, pixels in _pixel_rows(stream)])


def _stream_json(stream: StreamReport) -> dict[str, Any]:
    content: dict[str, Any] = dict(
        name=stream.name,
        images=len(stream.digests),
        notes=stream.notes,
        image_sizes={
            f'{width}x{height}': count
            for (height, width), count in stream.sizes.most_common()
        })
    if stream.labelled[DET]:
        content['boxes'] = {
            name: dict(zip(('all', *GROUPS), row))
            for name, row in _box_rows(stream)
        }
    if stream.labelled[SEG]:
        content['pixels'] = {
            name: dict(images=images, pixels=pixels)
            for name, images, pixels in _pixel_rows(stream)
        }
    return content
