"""What the counts of all files say that no single file does."""
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmmultas.datasets.label_map import IGNORE
from mmmultas.datasets.problems import ERROR, WARNING, Problem
from mmmultas.structures import CLASSES, DET, SEG
from mmmultas.utils.spelling import quoted, spellings

from .map_summary import judge_maps
from .stream_report import StreamReport

__all__ = ['SMALLEST', 'judge', 'side_at_input']

#: Pixels at the network's input below which boxes are hardly learnt, and
#: the share of boxes that may be smaller.
SMALLEST, MAY_BE_SMALLER = 8.0, 0.1
#: Pictures whose brightest pixel is below this show nothing.
DARK = 64
#: Share of pixels that may be ignored without a word.
IGNORED_SHARE = 0.5


def judge(streams: Sequence[StreamReport],
          cfg: Mapping[str, Any]) -> list[Problem]:
    """Problems of whole streams, each once.

    Args:
        streams: Reports that are filled.
        cfg: The config, for what the model lets out.
    """
    problems: list[Problem] = []
    every = [x for s in streams for x in (s, *s.detectors.values())]
    for stream in every:
        if stream.labelled[DET] and DET in stream.classes:
            problems += _crowds(stream)
            problems += _too_many(stream, cfg)
            problems += _too_small(stream)
        if stream.labelled[SEG] and SEG in stream.classes and (
                SEG not in stream.maps):
            problems += _ignored(stream)
            problems += _palettes(stream)
        problems += judge_maps(stream)
    for stream in streams:
        problems += _dark(stream)
    train = [s for s in every if not s.held_out] or every
    if cfg.get('train_dataloader'):
        problems += _untaught([s for s in streams if not s.held_out], cfg)
    return problems + [*_classes(train), *_empty(train)]


def side_at_input(stream: StreamReport, share: float) -> float | None:
    """Pixels at the network's input that a share of the boxes is below.

    Args:
        stream: With boxes.
        share: 0.1 for the side that nine of ten boxes reach.

    Returns:
        The root of a box's area there; None where nothing is known.
    """
    if stream.input_size is None or not stream.sides:
        return None
    height, width = stream.input_size
    return float(np.quantile(stream.sides, share)) * (height * width)**0.5


def _crowds(stream: StreamReport) -> Iterator[Problem]:
    boxes = sum(stream.boxes.values())
    if not boxes:
        yield Problem(stream.name, 'has images and not one box',
                      'check that the labels belong to these images',
                      'nothing')
    elif not stream.learnt:
        yield Problem(
            stream.name, f'has {boxes} boxes, all of them crowds or '
            'difficult, which are neither learnt nor judged', 'set `iscrowd` '
            'to 0 in the json (CVAT writes 1 for painted masks), or '
            '`<difficult>` to 0 in the XMLs', 'nothing')


def _too_many(stream: StreamReport,
              cfg: Mapping[str, Any]) -> Iterator[Problem]:
    model = cfg.get('model') or {}
    head = (model.get('heads') or {}).get(stream.detector) or {}
    limit = (head.get('test_cfg') or {}).get('max_per_img')
    most, image = stream.crowded
    if limit and most > limit:
        yield Problem(
            stream.name, f'has up to {most} boxes in an image ({image}), but '
            f'the network lets {limit} out', 'raise it in the config, '
            f'model = dict(heads=dict({stream.detector}=dict(test_cfg=dict('
            f'max_per_img='
            f'{-(-most // 100) * 100}))))', 'many', WARNING)


def _too_small(stream: StreamReport) -> Iterator[Problem]:
    side = side_at_input(stream, MAY_BE_SMALLER)
    if side is None or side >= SMALLEST or stream.input_size is None:
        return
    height, width = stream.input_size
    middle = side_at_input(stream, 0.5)
    needed = -(-max(height, width) * SMALLEST / max(side, 1e-6) // 32) * 32
    yield Problem(
        stream.name, f'has boxes of {side:.1f} pixels (a tenth is smaller; '
        f'half are below {middle:.1f}) where the network sees {width}×'
        f'{height}', f'`img_size = {needed:.0f}` would make nine of ten at '
        f'least {SMALLEST:.0f} pixels; or cut the images into tiles',
        'small', WARNING)


def _ignored(stream: StreamReport) -> Iterator[Problem]:
    total = int(stream.pixels.sum())
    share = int(stream.pixels[IGNORE]) / max(total, 1)
    if total and share == 1:
        yield Problem(stream.name, 'has no pixel that is not ignored',
                      'check `ignore_values` and `mask_values`', 'nothing')
    elif share > IGNORED_SHARE:
        yield Problem(
            stream.name, f'ignores {share:.1%} of its pixels', 'see that the '
            'ignored value (`ignore_values`, --ignore) is no class',
            'values', WARNING)


def _palettes(stream: StreamReport) -> Iterator[Problem]:
    for value, colours in sorted(stream.palettes.items()):
        if len(colours) > 1:
            (one, first), (two, second), *_ = colours.items()
            yield Problem(
                stream.name, f'has masks with palettes of their own: '
                f'{value} is {one} in the mask of {first} and {two} in that '
                f'of {second}', 'if the colours are the classes, write the '
                'masks as RGB and name the colours', 'values', WARNING)
            return


def _dark(stream: StreamReport) -> Iterator[Problem]:
    count = sum(stream.bits.values())
    if not count or stream.brightest >= DARK:
        return
    bits, _ = stream.bits.most_common(1)[0]
    why = (f'since they use the lower part of their {bits} bits'
           if bits > 8 else 'of 255')
    yield Problem(
        stream.name, f'has {count} pictures that are nearly black for the '
        f'network: the brightest value is {stream.brightest} of 255, {why}',
        'write them as 8 bits, stretched from 0 to 255', 'picture', WARNING)


def _classes(streams: Sequence[StreamReport]) -> Iterator[Problem]:
    said: set[tuple[str, ...]] = set()
    for stream in streams:
        for task in stream.labelled:
            names = tuple(stream.classes.get(task, ()))
            named = stream.detector if task == DET else task
            for same in spellings(names):
                if same in said:
                    continue
                said.add(same)
                told = ' and '.join(map(quoted, same))
                joined = dict.fromkeys(same[1:], same[0])
                yield Problem(
                    stream.name, f'has the classes {told}, '
                    'which differ by their spelling only', 'if they are one '
                    f'class: `label_map=dict({named}={joined})`',
                    'class', WARNING)
            if stream.kind(task) == CLASSES and len(names) == 1:
                yield Problem(
                    stream.name, f'has masks of one class ({names[0]}) '
                    'alone, so that there is nothing to tell apart',
                    'name two classes, the background too', 'nothing', ERROR)


def _empty(streams: Sequence[StreamReport]) -> Iterator[Problem]:
    """Classes that no stream of training shows."""
    tasks = dict.fromkeys(t for s in streams for t in s.class_maps)
    for task, what in ((DET, 'box'), *((t, 'pixel') for t in tasks)):
        mine = [s for s in streams if s.labelled[task] and task in s.classes]
        if not mine or not any(_count(s, task, None) for s in mine):
            continue  # said already
        names = dict.fromkeys(n for s in mine for n in s.classes[task])
        empty = [n for n in names
                 if not any(_count(s, task, n) for s in mine)]
        if empty:
            some = ', '.join(empty[:10]) + ', …' * (len(empty) > 10)
            yield Problem(
                ' and '.join(s.name for s in mine),
                f'shows no {what} of {len(empty)} of {len(names)} classes '
                f'({some})', 'see that they are named right, or leave them '
                'out of the classes', 'rare', WARNING)


def _untaught(train: Sequence[StreamReport],
              cfg: Mapping[str, Any]) -> Iterator[Problem]:
    """Heads that no training image teaches, nor anything else."""
    model = cfg.get('model') or {}
    if model.get('companions') or model.get('teachers') or str(
            model.get('type')).endswith('CAMClassifier'):
        return
    taught = {task for s in train for task, count in s.labelled.items()
              if count}
    taught |= {task for s in train if not s.digests  # it has no files
               for task in (*s.classes, *s.meta)}
    for task, head in (model.get('heads') or {}).items():
        if head and task not in taught and f'heads.{task}' not in model.get(
                'frozen', ()):
            yield Problem(
                f'model.heads.{task}', 'learns nothing, since no image of '
                f'`train_dataloader` has the label of {task!r}',
                'leave it out (None), or freeze it (`model.frozen`)',
                'nothing', WARNING)


def _count(stream: StreamReport, task: str, name: str | None) -> int:
    """Boxes or pixels of a class, of all classes for None."""
    names = tuple(stream.classes[task])
    if task == DET:
        return sum(stream.boxes_of(n)
                   for n in (names if name is None else (name, )))
    pixels = stream.by_class[task][0]
    if name is None:
        return int(pixels[:len(names)].sum())
    return int(pixels[names.index(name)]) if name in names else 0
