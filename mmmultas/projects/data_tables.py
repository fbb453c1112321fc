"""Boxes and pixels by class, as tables."""
from collections.abc import Iterator

from mmmultas.datasets.label_map import IGNORE
from mmmultas.evaluation.tables import text_table
from mmmultas.structures import DET, SEG

from .stream_report import StreamReport

__all__ = ['GROUPS', 'box_rows', 'box_table', 'pixel_rows', 'pixel_table']

GROUPS = ('small', 'medium', 'large', 'difficult')


def box_rows(stream: StreamReport) -> Iterator[tuple[str, list[int]]]:
    """Each class with its boxes, all and by :data:`GROUPS`."""
    for name in stream.classes[DET]:
        groups = [stream.boxes[name, group] for group in GROUPS]
        yield name, [sum(groups), *groups]


def box_table(stream: StreamReport) -> str:
    """Boxes by class and size in pixels of the original images."""
    rows = list(box_rows(stream))
    totals = [sum(column) for column in zip(*(r for _, r in rows))]
    return text_table(
        ('class', 'boxes', *GROUPS),
        [[name, *map(str, row)] for name, row in (*rows, ('all', totals))])


def pixel_rows(stream: StreamReport,
               task: str = SEG) -> Iterator[tuple[str, int, int]]:
    """Each class with its images and pixels; the ignored ones at the end."""
    pixels, masked = stream.by_class[task]
    names = dict(enumerate(stream.classes[task]))
    for value, name in (*names.items(), (IGNORE, '(ignored)')):
        yield name, int(masked[value]), int(pixels[value])


def pixel_table(stream: StreamReport, task: str = SEG) -> str:
    """Pixels by class, and their share."""
    total = max(int(stream.by_class[task][0].sum()), 1)
    return text_table(
        ('class', 'images', 'pixels', 'share (%)'),
        [[name, str(images), str(pixels), f'{100 * pixels / total:.2f}']
         for name, images, pixels in pixel_rows(stream, task)])
