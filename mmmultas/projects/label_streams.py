"""Further labels as data-set arguments: those of the same images together."""
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmmultas.datasets.problems import Problem
from mmmultas.structures import CLASSES

from .convert import boxes_of, masks_of
from .data_sources import BoxSource
from .labels import LabelFound
from .mask_sources import MaskSource
from .project import Project

__all__ = ['label_streams']

Stream = dict[str, Any]
Part = BoxSource | MaskSource


def label_streams(found: Sequence[LabelFound], project: Project,
                  stem: Path) -> None:
    """Put the labels into streams; write what has to be converted.

    Labels of the very same images share a stream, so that the network passes
    these once.

    Args:
        found: The labels.
        project: Gets the streams as its values ``further`` and
            ``val_further``, facts and problems.
        stem: Beginning of the paths of what is written.
    """
    groups: dict[Any, list[LabelFound]] = {}
    for one in found:
        groups.setdefault(_images(one.parts), []).append(one)
    names = {'_'.join(x.label.name for x in group): group
             for group in groups.values()}
    project.values['further'] = {
        name: _stream(group, 0, stem, project)
        for name, group in names.items()}
    project.values['val_further'] = {
        name: _stream(group, 1, stem, project)
        for name, group in names.items() if len(group[0].parts) > 1}
    for one in found:
        _say(one, project)
    if len(found) > 1:
        project.facts.append(('streams of further labels', [
            f'{name}: {len(group[0].parts[0].names)} images of training'
            for name, group in names.items()] + [
            'labels of the very same images share a stream'
            ] * (len(names) < len(found))))


def _images(parts: Sequence[Part]) -> Any:
    return tuple((os.path.realpath(p.images), _suffix(p),
                  frozenset(p.names)) for p in parts)


def _in_place(source: Part) -> bool:
    """Whether the labels' own files are read in training."""
    return bool(source.boxes if isinstance(source, BoxSource) else
                source.masks)


def _suffix(source: Part) -> str | None:
    return source.image_suffix if isinstance(source, MaskSource) else None


def _stream(group: Sequence[LabelFound], part: int, stem: Path,
            project: Project) -> Stream:
    source = group[0].parts[part]
    stream: Stream = dict(images=os.path.abspath(source.images))
    if _suffix(source):
        stream['image_suffix'] = _suffix(source)
    stream['labels'] = {}
    for one in group:
        entry, problems = _entry(one, part, stem)
        stream['labels'][one.label.name] = entry
        if not _in_place(one.parts[part]):
            project.converted.append(os.path.relpath(entry['root']))
        project.problems += problems
    return stream


def _entry(found: LabelFound, part: int,
           stem: Path) -> tuple[Mapping[str, Any], list[Problem]]:
    """What `labels` of the data set says of a label."""
    label, source = found.label, found.parts[part]
    begin = f'{stem}_{"val_" * bool(part)}{label.name}'
    if isinstance(source, BoxSource):
        root = boxes_of(source, Path(f'{begin}.json'))
        return dict(kind=label.kind, root=os.path.abspath(root),
                    **found.extra), []
    root = str(source.masks)
    problems: list[Problem] = []
    if label.kind == CLASSES:
        assert found.legend is not None
        root, problems = masks_of(source, found.legend.names, Path(begin))
    entry = dict(kind=label.kind, root=os.path.abspath(root),
                 suffix=source.suffix, **found.extra)
    return {k: v for k, v in entry.items() if v is not None}, problems


def _say(found: LabelFound, project: Project) -> None:
    for part, source in zip(('', 'validation '), found.parts):
        how = 'read in place' if _in_place(source) else 'converted'
        project.facts.append((
            f'{part}{found.label.name}: {source.path}',
            [f'{source.form}, {how}; images in {source.images}',
             *source.facts, *found.facts * (not part)]))
        project.problems += source.problems
    project.problems += found.problems
