"""A config for own data, from a look at the data."""
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmmultas.datasets.folder import held_out, list_files
from mmmultas.evaluation.tables import text_table
from mmmultas.utils.errors import ConfigError

from .config_template import CONFIGS, fill_in, rebase
from .data_sources import (IGNORED, BoxSource, MaskSource, find_boxes,
                           find_masks, name_values)

__all__ = ['Project', 'Source', 'new_project', 'project_text']

TEMPLATE = CONFIGS / 'multas/rn50_pafpn_mtl_custom.py'
#: ``max_epochs`` of the template.
EPOCHS = 30
#: With fewer updates a network has hardly begun to learn.
FEW_UPDATES = 1000
HEADER = """# Written by tools/new_project.py; docs/own_data.md explains it.
# python tools/check_data.py {out}
# python tools/train.py {out}"""
Labels = BoxSource | MaskSource


@dataclass(frozen=True)
class Source:
    """What a person names on the command line.

    Attributes:
        labels: Boxes or masks.
        images: Their images, None where the layout tells.
        val_labels: Those of validation, None to hold a part out.
        val_images: Their images.
    """
    labels: str
    images: str | None = None
    val_labels: str | None = None
    val_images: str | None = None


@dataclass(frozen=True)
class Project:
    """What was found and written.

    Attributes:
        out: The config.
        values: Those at its top.
        train: Images of training by task.
        val: Images of validation by task.
        counts: Boxes by class.
        mask_values: Mask value → masks that hold it.
        sizes: (width, height) → images, of a sample.
    """
    out: str
    values: dict[str, Any]
    train: dict[str, int]
    val: dict[str, int]
    counts: dict[str, int]
    mask_values: dict[int | str, int]
    sizes: Counter[tuple[int, int]]


def new_project(det: Source,
                seg: Source,
                out: str,
                seg_classes: Sequence[str] | None = None,
                model: str = 'rn50_pafpn') -> Project:
    """Look at boxes and masks and write a config that trains on them.

    Args:
        det: Boxes: COCO json, folder of XMLs or root of VOC's layout.
        seg: Masks: folder, or root of VOC's layout.
        out: Config to write.
        seg_classes: Names of the mask values, in ascending order.
        model: Base of the model, ``configs/_base_/models/{model}.py``.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: Data that cannot be used.
    """
    if os.path.exists(out) or not out.endswith('.py'):
        raise ConfigError(f'--out {out} exists already or is no .py file: '
                          f'give the name of a new config.')
    base = rebase(out, model)
    boxes = [find_boxes(det.labels, det.images, '--det')]
    if det.val_labels:
        boxes.append(
            find_boxes(det.val_labels, det.val_images or _of(det, boxes[0]),
                       '--val-det'))
    masks = [find_masks(seg.labels, seg.images or _near(seg, boxes[0]),
                        '--seg')]
    if seg.val_labels:
        masks.append(
            find_masks(seg.val_labels, seg.val_images or _of(seg, masks[0]),
                       '--val-seg'))
    joint = _joint(masks)
    names, mask_values = name_values(joint, seg_classes)
    train, val = _parts(boxes, masks)
    sizes = _sizes(boxes[0]) + _sizes(masks[0])
    values = {
        '_base_': base,
        'seg_classes': names,
        'mask_values': mask_values,
        'ignore_values': tuple(v for v in joint.values if v in IGNORED)
        or (255, ),
        'mask_suffix': joint.suffix,
        **_paths(boxes, masks),
        **_schedule(train, sizes)
    }
    counts = sum((Counter(b.counts) for b in boxes), Counter())
    values['det_classes'] = tuple(
        n for b in boxes for n in b.counts if counts[n])
    values['det_classes'] = tuple(dict.fromkeys(values['det_classes']))
    text = fill_in(TEMPLATE.read_text(), values, HEADER.format(out=out))
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(text)
    return Project(out, values, train, val, dict(counts), dict(joint.values),
                   sizes)


def project_text(project: Project) -> str:
    """A summary: images, boxes by class, masks by value."""
    split = text_table(
        ('stream', 'training', 'validation'),
        [(task, str(project.train[task]), str(project.val[task]))
         for task in ('det', 'seg')])
    boxes = text_table(
        ('class', 'boxes'),
        [(name, str(project.counts[name]))
         for name in project.values['det_classes']])
    named = _named_values(project)
    masks = text_table(('mask value', 'class', 'masks'), [
        (str(value), named.get(value, '(none)'), str(count))
        for value, count in project.mask_values.items()
    ])
    widths, heights = zip(*project.sizes)
    sizes = (f'images of {min(widths)} to {max(widths)} by {min(heights)} to '
             f'{max(heights)} pixels; the network sees '
             f'{project.values["img_size"]}×{project.values["img_size"]}')
    hint = ''
    if any(n.startswith('class_') for n in project.values['seg_classes']):
        hint = ('\n\nName the classes of the masks with --seg-classes, or in '
                '`seg_classes` of the config.')
    return (f'{split}\n\n{boxes}\n\n{masks}\n\n{sizes}\n'
            f'{_length_text(project)}{hint}\n\nWritten: {project.out}')


def _length_text(project: Project) -> str:
    """How long the config trains, and whether that is enough."""
    batch = project.values['batch_size']
    per_epoch = max(project.train.values()) // batch
    said = (f'{EPOCHS} epochs are {EPOCHS * per_epoch} updates of {batch} '
            'images of each task')
    if EPOCHS * per_epoch >= FEW_UPDATES:
        return said
    enough = -(-FEW_UPDATES // per_epoch)
    return (f'{said}, which is little: `max_epochs = {enough}` in the config '
            f'would make {FEW_UPDATES}')


def _named_values(project: Project) -> dict[Any, str]:
    names = project.values['seg_classes']
    values = project.values['mask_values']
    named: dict[Any, str] = dict(
        zip(range(len(names)) if values is None else values, names))
    named.update(dict.fromkeys(project.values['ignore_values'], '(ignored)'))
    return named


def _of(source: Source, found: Labels) -> str | None:
    """Images of training, where validation names none of its own."""
    return found.images if source.images else None


def _near(seg: Source, boxes: BoxSource) -> str | None:
    """The boxes' images, where neither an option nor a layout names any."""
    layouts = ('SegmentationClass', '*/SegmentationClass')
    if any(True for x in layouts for _ in Path(seg.labels).glob(x)):
        return None
    names = set(list_files(seg.labels, '.png')[0]) if os.path.isdir(
        seg.labels) else set()
    return boxes.images if names & set(boxes.names) else None


def _joint(masks: Sequence[MaskSource]) -> MaskSource:
    """Training's masks with the values of both parts."""
    first = masks[0]
    if len(masks) == 1:
        return first
    if masks[1].suffix != first.suffix:
        raise ConfigError(f'--seg has masks *{first.suffix} and --val-seg '
                          f'*{masks[1].suffix}: name them alike.')
    counts = Counter(first.values) + Counter(masks[1].values)
    if len({isinstance(v, str) for v in counts}) == 2:
        raise ConfigError('--seg and --val-seg: the masks of one have '
                          'colours, those of the other numbers: write all '
                          'masks alike.')
    values = {v: counts[v] for v in sorted(counts, key=lambda v: (str(
        type(v)), v))}
    return MaskSource(first.images, first.masks, first.suffix, first.names,
                      values, first.is_voc and masks[1].is_voc)


def _parts(boxes: Sequence[BoxSource], masks: Sequence[MaskSource]
           ) -> tuple[dict[str, int], dict[str, int]]:
    train, val = {}, {}
    sources: dict[str, Sequence[Labels]] = dict(det=boxes, seg=masks)
    for task, found in sources.items():
        names = found[0].names
        if found[1:]:
            train[task], val[task] = len(names), len(found[1].names)
            continue
        train[task], val[task] = (len(held_out(names, part))
                                  for part in ('train', 'val'))
        if not train[task]:
            raise ConfigError(f'--{task} has one image alone, which leaves '
                              f'none for validation: add images.')
    return train, val


def _paths(boxes: Sequence[BoxSource],
           masks: Sequence[MaskSource]) -> dict[str, Any]:
    paths: dict[str, Any] = dict(
        det_images=boxes[0].images,
        det_boxes=boxes[0].boxes,
        seg_images=masks[0].images,
        seg_masks=masks[0].masks)
    if boxes[1:]:
        paths.update(
            val_det_images=boxes[1].images, val_det_boxes=boxes[1].boxes)
    if masks[1:]:
        paths.update(
            val_seg_images=masks[1].images, val_seg_masks=masks[1].masks)
    return {key: os.path.abspath(path) for key, path in paths.items()}


def _sizes(found: Labels, most: int = 200) -> Counter[tuple[int, int]]:
    """Sizes of a sample of the images; headers are read, not pixels."""
    files = list_files(found.images)[0]
    step = max(len(found.names) // most, 1)
    sizes: Counter[tuple[int, int]] = Counter()
    for name in found.names[::step]:
        try:
            with Image.open(files[name]) as image:
                sizes[image.size] += 1
        except OSError:
            continue  # the check that follows tells
    return sizes


def _schedule(train: dict[str, int],
              sizes: Counter[tuple[int, int]]) -> dict[str, Any]:
    """Batches that small data fill, and a warm-up of a tenth at most."""
    if not sizes:
        raise ConfigError('None of the images can be read: check '
                          '--det-images and --seg-images.')
    batch = min(16, *train.values())
    updates = EPOCHS * (max(train.values()) // batch)
    longest = int(np.median([max(size) for size in sizes.elements()]))
    return dict(
        batch_size=batch,
        warmup=min(500, updates // 10),
        img_size=min(320, max(64, -(-longest // 32) * 32)),
        num_workers=min(4, os.cpu_count() or 1))
