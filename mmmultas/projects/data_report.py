"""What :mod:`mmmultas.projects.data_check` found, as text and as json.

Problems come first, grouped by kind, the worst on top; then a summary with
which a person can agree or not; then the verdict.
"""
from collections.abc import Iterator, Sequence
from typing import Any

from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.problems import ERROR, KINDS, Problem
from mmmultas.structures import DET, SEG

from .data_check import DataReport
from .data_tables import GROUPS, box_rows, box_table, pixel_rows, pixel_table
from .judgement import MAY_BE_SMALLER, side_at_input
from .map_summary import map_text
from .stream_report import StreamReport

__all__ = ['problem_text', 'report_json', 'report_text']

#: Examples of a kind of problem, and classes in a line.
EXAMPLES, CLASSES = 10, 12
_WORDS = {DET: 'boxes', SEG: 'masks'}


def report_text(report: DataReport, everything: bool = False) -> str:
    """Problems by kind, a summary, the verdict.

    Args:
        report: What was found.
        everything: All problems instead of ten of a kind, and all tables.
    """
    parts = [problem_text(report.problems, everything)]
    if everything:
        parts += [_tables(stream) for stream in report.streams]
    lines = [line for s in report.streams for line in _stream_lines(s)]
    for heading, facts in report.facts:
        lines += [heading, *(f'  {fact}' for fact in facts)]
    parts.append('\n'.join(['Summary: is this what you meant?', *lines]))
    count = len(report.problems)
    parts.append('No problem found.' if not count else
                 f'{count} problem{"s" * (count > 1)} found.')
    return '\n\n'.join(part for part in parts if part)


def problem_text(problems: Sequence[Problem],
                 everything: bool = False) -> str:
    """Problems under the titles of their kinds, the worst kinds first."""
    order = [*KINDS, *(p.kind for p in problems)]
    groups: dict[str, list[Problem]] = {}
    for problem in sorted(problems, key=lambda p: order.index(p.kind)):
        groups.setdefault(problem.kind, []).append(problem)
    parts = []
    for kind, found in groups.items():
        found = sorted(found, key=lambda p: p.severity != ERROR)
        warns = all(p.severity != ERROR for p in found)
        title = KINDS.get(kind, kind) + ' (to be looked at)' * warns
        shown = found if everything else found[:EXAMPLES]
        lines = [f'{title}: {len(found)}', *(f'  {p}' for p in shown)]
        if len(found) > len(shown):
            lines.append(f'  … and {len(found) - len(shown)} more '
                         '(check_data.py --all lists them)')
        parts.append('\n'.join(lines))
    return '\n\n'.join(parts)


def report_json(report: DataReport) -> dict[str, Any]:
    """The same for programs: streams, problems and their number."""
    return dict(
        num_problems=len(report.problems),
        problems=[vars(problem) for problem in report.problems],
        facts=dict(report.facts),
        streams=[_stream_json(stream) for stream in report.streams])


def _stream_lines(stream: StreamReport) -> Iterator[str]:
    labelled = ', '.join(f'{n} with {_WORDS.get(t, t)}'
                         for t, n in stream.labelled.items())
    yield (f'{stream.name}: {len(stream.digests)} images' +
           f' ({labelled})' * bool(labelled))
    if stream.sizes:
        yield f'  images: {_images_text(stream)}'
    if stream.labelled[DET] and DET in stream.classes:
        yield f'  boxes: {_boxes_text(stream)}'
        side = side_at_input(stream, MAY_BE_SMALLER)
        if side is not None and stream.input_size:
            height, width = stream.input_size
            yield (f'  boxes where the network sees {width}×{height}: nine '
                   f'of ten above {side:.0f} pixels, half above '
                   f'{side_at_input(stream, 0.5):.0f}')
    for task, own in stream.detectors.items():
        yield f'  boxes of {task}: {_boxes_text(own)}'
    for task in stream.class_maps:
        named = 'pixels' if task == SEG else f'pixels of {task}'
        yield f'  {named}: {_pixels_text(stream, task)}'
    for task in stream.maps:
        if task not in stream.class_maps:
            yield f'  {task}: {map_text(stream, task)}'
    yield from (f'  note: {note}' for note in stream.notes)


def _images_text(stream: StreamReport) -> str:
    (height, width), often = stream.sizes.most_common(1)[0]
    heights, widths = zip(*stream.sizes)
    said = f'{width}×{height}'
    if len(stream.sizes) > 1:
        said = (f'{min(widths)}×{min(heights)} to {max(widths)}×'
                f'{max(heights)}, most often {said} ({often})')
    bits = ', '.join(f'{n} of {b} bits' if len(stream.bits) > 1 else
                     f'{b} bits' for b, n in sorted(stream.bits.items()))
    turned = sum(n for o, n in stream.orientations.items() if o != 1)
    exif = f'{turned} have an EXIF tag that turns them' if turned else (
        'none turned by EXIF')
    return f'{said}; {bits}; {exif}'


def _shortened(entries: Sequence[tuple[str, float, str]]) -> str:
    """Classes with what they have; the most and the fewest of many."""
    texts = [f'{name} {text}' + ' (!)' * (not count)
             for name, count, text in entries]
    if len(entries) <= CLASSES:
        return ', '.join(texts)
    order = sorted(range(len(entries)), key=lambda i: -entries[i][1])
    first, last = order[:6], order[-4:]
    empty = sum(not count for _, count, _ in entries)
    return (f'{", ".join(texts[i] for i in first)}, …, '
            f'{", ".join(texts[i] for i in last)}; {len(entries)} classes, '
            f'{empty} without any (--all shows all)')


def _boxes_text(stream: StreamReport) -> str:
    rows = list(box_rows(stream))
    total = sum(row[0] for _, row in rows)
    skipped = sum(row[-1] for _, row in rows)
    ignored = f' ({skipped} difficult or crowds)' * bool(skipped)
    none = f'; {stream.without} images without a box' * bool(stream.without)
    return f'{total}{ignored}: ' + _shortened(
        [(name, row[0], str(row[0])) for name, row in rows]) + none


def _pixels_text(stream: StreamReport, task: str) -> str:
    counts = stream.by_class[task][0]
    total = max(int(counts.sum()), 1)
    entries = [(name, pixels, f'{pixels / total:.2%}')
               for name, _, pixels in pixel_rows(stream, task)][:-1]
    ignored = int(counts[IGNORE]) / total
    return f'{_shortened(entries)}; ignored {ignored:.2%}'


def _tables(stream: StreamReport) -> str:
    tables = []
    if stream.labelled[DET] and DET in stream.classes:
        tables.append(box_table(stream))
    tables += [f'{task}:\n{box_table(own)}'
               for task, own in stream.detectors.items()]
    for task in stream.class_maps:
        named = '' if task == SEG else f'{task}:\n'
        tables.append(named + pixel_table(stream, task))
    return '\n\n'.join([f'{stream.name}:', *tables]) if tables else ''


def _stream_json(stream: StreamReport) -> dict[str, Any]:
    content: dict[str, Any] = dict(
        name=stream.name,
        images=len(stream.digests),
        notes=stream.notes,
        turned_by_exif=sum(
            n for o, n in stream.orientations.items() if o != 1),
        bits={str(b): n for b, n in sorted(stream.bits.items())},
        image_sizes={
            f'{width}x{height}': count
            for (height, width), count in stream.sizes.most_common()
        })
    if stream.labelled[DET]:
        content['boxes'] = {
            name: dict(zip(('all', *GROUPS), row))
            for name, row in box_rows(stream)
        }
        content['images_without_box'] = stream.without
        content['side_at_input'] = side_at_input(stream, MAY_BE_SMALLER)
    for task, own in stream.detectors.items():
        content[f'boxes_of_{task}'] = {
            name: dict(zip(('all', *GROUPS), row))
            for name, row in box_rows(own)
        }
    for task in stream.class_maps:
        key = 'pixels' if task == SEG else f'pixels_of_{task}'
        content[key] = {
            name: dict(images=images, pixels=pixels)
            for name, images, pixels in pixel_rows(stream, task)
        }
    for task, counts in stream.maps.items():
        content.setdefault('maps', {})[task] = dict(
            files=counts.files, pixels=counts.pixels, known=counts.known,
            **dict(low=counts.low, high=counts.high) if counts.middles
            else {})
    return content
