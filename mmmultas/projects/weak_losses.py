"""Whether boxes and masks of a project teach one another."""
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmmultas.structures import CLASSES, DET, SEG
from mmmultas.utils.spelling import alike

from .data_sources import BoxSource
from .labels import LabelFound
from .mask_sources import MaskSource
from .matching import some
from .project import Project

__all__ = ['WEAK_LOSSES', 'choose_weak_losses']

#: Those of the template that have proved to help (benchmarks/README.md).
WEAK_LOSSES = ('b4m', 'm4b')
#: From this share of images with both labels on they have little to teach.
MANY = 0.5
#: Names that say nothing: numbers, those that were made up here, and what is
#: no object.
_NO_NAME = re.compile(r'class_[0-9a-f]+|\d+|background|void|unlabeled', re.I)


@dataclass(frozen=True)
class _Side:
    """A label: the task's name, its classes and its images."""
    task: str
    classes: frozenset[str]
    images: frozenset[tuple[str, str]]


def choose_weak_losses(project: Project,
                       found: Mapping[str, Sequence[BoxSource | MaskSource]],
                       further: Sequence[LabelFound] = ()) -> list[str]:
    """Switch them on where boxes and masks of other images share classes.

    Args:
        project: Has the classes of its values; gets ``weak_losses``.
        found: The files of ``det`` and ``seg``.
        further: Further labels.

    Returns:
        What a person should know; nothing where boxes or masks lack.
    """
    boxes = [_side(DET, project.values.get('det_classes', ()),
                   found.get(DET) or ())]
    masks = [_side(SEG, project.values.get('seg_classes', ()),
                   found.get(SEG) or ())]
    for one in further:
        name = one.label.name
        if one.boxes:
            boxes.append(_side(name, _names(one.extra.get('classes')),
                               one.boxes))
        elif one.label.kind == CLASSES and one.legend is not None:
            masks.append(_side(name, one.legend.names, one.maps))
    pairs = [(b, m) for b in boxes for m in masks if b.images and m.images]
    return [_decided(project, pairs)] if pairs else []


def _decided(project: Project, pairs: Sequence[tuple[_Side, _Side]]) -> str:
    shared = [(b, m) for b, m in pairs if b.classes & m.classes]
    near = {k: v for b, m in pairs
            for k, v in alike(sorted(b.classes), sorted(m.classes)).items()}
    hint = (f'; names that differ by spelling only: `classes={near}` of both '
            'in `model.companions` would join them' if near else '')
    if not shared:
        b, m = pairs[0]
        return (f'no class of boxes ({some(sorted(b.classes))}) has the name '
                f'of one of masks ({some(sorted(m.classes))}), so they do '
                'not teach one another; docs/weak_losses.md tells how to '
                f'join other names{hint}')
    for b, m in shared:
        both = len(b.images & m.images)
        least = min(len(b.images), len(m.images))
        if both >= MANY * least:
            return (f'{both} of {least} images have labels of {b.task} and '
                    f'{m.task}, which leaves little to teach one another: '
                    '`weak_losses` is off in the config')
    project.values['weak_losses'] = WEAK_LOSSES
    names = sorted(set().union(*(b.classes & m.classes for b, m in shared)))
    return (f'boxes and masks have {some(names)} and teach one another: '
            '`weak_losses` in the config; an update takes a quarter longer'
            f'{hint}')


def _side(task: str, classes: Iterable[str],
          parts: Sequence[BoxSource | MaskSource]) -> _Side:
    images = frozenset((os.path.realpath(parts[0].images), name)
                       for name in parts[0].names) if parts else frozenset()
    return _Side(task, frozenset(
        n for n in classes if not _NO_NAME.fullmatch(n)), images)


def _names(classes: object) -> list[str]:
    return [str(n) for n in classes] if isinstance(
        classes, list | tuple) else []
