"""A config for own data, from a look at the data."""
import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmmultas.datasets.label_folders import SUFFIXES
from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError

from .class_names import parse_names, parse_values
from .config_template import CONFIGS, fill_in, rebase
from .convert import boxes_of, masks_of
from .data_sources import BoxSource, find_boxes
from .inputs import choose_inputs, default_model
from .label_sources import find_label
from .label_streams import label_streams
from .labels import Label, LabelFound
from .mask_sources import MaskSource, find_masks, legend_of
from .matching import Claim, some
from .parts import (Lists, find_lists, held_out_of, listed_val,
                    training_part)
from .project import Project, Source, validation_part
from .schedule import say_inputs, set_schedule
from .weak_losses import choose_weak_losses

__all__ = ['Project', 'Source', 'new_project', 'project_text']

TEMPLATE = CONFIGS / 'multas/rn50_pafpn_mtl_custom.py'
#: ``val_share`` of the template.
VAL_SHARE = 0.2
HEADER = """# Written by tools/new_project.py; docs/own_data.md explains it.
# python tools/check_data.py {out}
# python tools/train.py {out}"""
Labels = BoxSource | MaskSource


def new_project(det: Source | None,
                seg: Source | None,
                out: str,
                seg_classes: Sequence[str] | None = None,
                model: str | None = None,
                *,
                ignore: Sequence[str] | None = None,
                mask_suffix: str | None = None,
                labels: Sequence[Label] = ()) -> Project:
    """Look at labels and write a config that trains on them.

    Args:
        det: Boxes, of any form that can be read; None for masks alone.
        seg: Masks, likewise.
        out: Config to write. What has to be converted lies beside it.
        seg_classes: Names of the mask values in ascending order, or
            ``name=value``.
        model: Base of the model, ``configs/_base_/models/{model}.py``; by
            default one that fits the machine.
        ignore: Mask values that take no part.
        mask_suffix: End of the masks' names, where there are several kinds.
        labels: Further ones, of any kind.

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: Data that cannot be used.
    """
    if os.path.exists(out) or not out.endswith('.py'):
        raise ConfigError(f'--out {out} exists already or is no .py file: '
                          f'give the name of a new config.')
    if det is None and seg is None and not labels:
        raise ConfigError('Name boxes with --det, masks with --seg, others '
                          'with --label, or several of them.')
    if seg is None and (seg_classes or ignore or mask_suffix):
        raise ConfigError('--seg-classes, --ignore and --mask-suffix are of '
                          'masks: name them with --seg.')
    chosen, why = (model, '--model') if model else default_model()
    base = rebase(out, chosen)
    project = Project(out)
    boxes = _find_boxes(det, project)
    claims = {label.name: _claims(label.source, label.suffix)
              for label in labels}
    masks = _find_masks(seg, boxes, mask_suffix, project, sum(
        claims.values(), []))
    claims[SEG] = _claims(seg, mask_suffix)
    places = [b.images for b in boxes[:1]] + [m.images for m in masks[:1]]
    further = [find_label(label, places, project, [
        claim for name, own in claims.items() if name != label.name
        for claim in own]) for label in labels]
    project.values['_base_'] = base
    found: dict[str, Sequence[Labels]] = {
        DET: boxes, SEG: masks,
        **{one.label.name: one.parts for one in further}}
    project.values['tasks'] = tuple(task for task in found if found[task])
    if masks:
        _name_masks(project, masks, seg_classes, ignore)
    held = _divide(project, found)
    project.inputs = choose_inputs(
        [*boxes[:1], *(one.boxes[0] for one in further if one.boxes)],
        [*masks[:1], *(one.maps[0] for one in further if one.maps)],
        project.train)
    set_schedule(project, project.inputs)
    _classes(project, boxes)
    taught = choose_weak_losses(project, {DET: boxes, SEG: masks}, further)
    _write(project, boxes, masks, further, held)
    say_inputs(project, f'{chosen} ({why})', taught)
    return project


def project_text(project: Project) -> str:
    """What was found and chosen; the check's summary shows it, too."""
    lines = [line for heading, facts in project.facts
             for line in (heading, *(f'  {fact}' for fact in facts))]
    return '\n'.join([*lines, f'Written: {project.out}'])


def _claims(source: Source | None, suffix: str | None) -> list[Claim]:
    """Files that are no images and no maps of other labels."""
    if source is None or suffix is None or suffix in SUFFIXES:
        return []
    return [Claim(folder, suffix) for folder in (
        source.labels, source.val_labels) if folder is not None]


def _find_boxes(source: Source | None, project: Project) -> list[BoxSource]:
    if source is None:
        return []
    labels = training_part(source.labels)
    found = [find_boxes(labels, source.images, '--det')]
    return found + validation_part(
        project, source, found[0], '--det', lambda path, images: find_boxes(
            path, images, '--val-det', [found[0].images]))


def _find_masks(source: Source | None, boxes: Sequence[BoxSource],
                suffix: str | None, project: Project,
                claims: Sequence[Claim]) -> list[MaskSource]:
    if source is None:
        return []
    labels = training_part(source.labels)
    places = [b.images for b in boxes]
    found = [find_masks(labels, source.images, '--seg', suffix, places,
                        claims)]
    return found + validation_part(
        project, source, found[0], '--seg', lambda path, images: find_masks(
            path, images, '--val-seg', suffix, [found[0].images, *places],
            claims))


def _name_masks(project: Project, masks: Sequence[MaskSource],
                given: Sequence[str] | None,
                ignore: Sequence[str] | None) -> None:
    names = None if given is None else parse_names(given)
    ignored = None if ignore is None else tuple(
        v for text in ignore for v in parse_values(text, '--ignore'))
    legend = legend_of(masks, names, ignored)
    project.legend = legend
    if legend.doubt:
        project.problems.append(Problem(
            masks[0].path, *legend.doubt, 'values', WARNING))
    project.values.update(
        seg_classes=legend.names,
        mask_values=legend.values,
        ignore_values=legend.ignored,
        mask_suffix=masks[0].suffix,
        image_suffix=masks[0].image_suffix)
    values = legend.values or range(len(legend.names))
    facts = [f'classes named by {legend.origin}: ' + ', '.join(
        f'{name} = {_value_text(v)}'
        for name, v in list(zip(legend.names, values))[:30])]
    project.facts.append(('values of the masks', facts + list(legend.facts)))


def _value_text(value: Any) -> str:
    if isinstance(value, (int, str)):
        return str(value)
    values = list(value)
    if len(values) > 3:
        return f'{values[0]} to {values[-1]}'
    return ' or '.join(map(str, values))


def _divide(project: Project,
            found: dict[str, Sequence[Labels]]) -> set[str]:
    """Training and validation of every task; the names to hold out."""
    held: set[str] = set()
    open_tasks: dict[str, Sequence[str]] = {}
    facts: list[str] = []
    for task, parts in found.items():
        if not parts:
            continue
        names = parts[0].names
        root = parts[0].root if task in (DET, SEG) else None
        lists = find_lists(root, task, names) if len(parts) == 1 else Lists()
        facts += lists.facts
        if len(parts) > 1:
            project.train[task], project.val[task] = (
                len(p.names) for p in parts)
        elif lists.files:
            project.values[f'{task}_lists'] = dict(lists.files)
            project.train[task], project.val[task] = (
                lists.counts[p] for p in ('train', 'val'))
        elif len(names) < 2:
            option = f'--{"" if task in (DET, SEG) else "label "}{task}'
            raise ConfigError(f'{option} has one image alone, which leaves '
                              'none for validation: add images.')
        else:
            open_tasks[task] = names
    if open_tasks:
        held, said = _hold_out(open_tasks, found)
        facts += said
        for task, listed in open_tasks.items():
            project.val[task] = sum(n in held for n in listed)
            project.train[task] = len(listed) - project.val[task]
    if facts:
        project.facts.append(('training and validation', facts))
    return held


def _hold_out(names: Mapping[str, Sequence[str]],
              found: Mapping[str, Sequence[Labels]]
              ) -> tuple[set[str], list[str]]:
    """Names by lists beside the images where there are some, else a share."""
    held: set[str] = set()
    facts: list[str] = []
    free = {}
    for task, listed in names.items():
        folder = Path(found[task][0].images).resolve().parent
        told, said = listed_val(folder, task, listed)
        facts += said
        if told is None:
            free[task] = listed
        held |= told or set()
    if free:
        chosen, said = held_out_of(
            free, {t: found[t][0].files for t in free}, VAL_SHARE)
        held, facts = held | chosen, facts + said
    return held, facts


def _classes(project: Project, boxes: Sequence[BoxSource]) -> None:
    counts = sum((Counter(b.counts) for b in boxes), Counter())
    order = dict.fromkeys(n for b in boxes for n in b.counts)
    empty = [n for n in order if not counts[n]]
    if empty:
        boxes[0].facts.append(f'left out: {len(empty)} classes without a box '
                              f'({some(empty)})')
    project.counts = {n: counts[n] for n in order if counts[n]}
    if boxes:
        project.values['det_classes'] = tuple(project.counts)


def _write(project: Project, boxes: Sequence[BoxSource],
           masks: Sequence[MaskSource], further: Sequence[LabelFound],
           held: set[str]) -> None:
    """Write what has to be converted, then the config."""
    out = Path(project.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    stem = out.with_suffix('')
    facts, project.facts = project.facts, []
    for part, source in zip(('', 'val_'), boxes):
        _found(project, part, DET, source,
               boxes_of(source, Path(f'{stem}_{part}boxes.json')))
    for part, drawn in zip(('', 'val_'), masks):
        assert project.legend is not None
        place, problems = masks_of(drawn, project.legend.names,
                                   Path(f'{stem}_{part}masks'))
        project.problems += problems
        _found(project, part, SEG, drawn, place)
    if further:
        label_streams(further, project, stem)
    project.facts += facts  # sources first
    if held:
        path = Path(f'{stem}_val.txt')
        path.write_text(''.join(f'{name}\n' for name in sorted(held)))
        project.values['val_list'] = str(path.resolve())
        project.facts.append((f'list: {path}', [
            'names the images that are held out; a name more or less in it '
            'is one more or less in validation']))
    text = fill_in(TEMPLATE.read_text(),
                   project.values, HEADER.format(out=shlex.quote(project.out)))
    out.write_text(text)


def _found(project: Project, part: str, task: str, source: Labels,
           place: str) -> None:
    """Paths of the config, and how the labels come into it."""
    what = 'boxes' if task == DET else 'masks'
    project.values[f'{part}{task}_images'] = os.path.abspath(source.images)
    project.values[f'{part}{task}_{what}'] = os.path.abspath(place)
    own = source.boxes if isinstance(source, BoxSource) else source.masks
    how = 'read in place'
    if not own:
        how = f'converted into {place}'
        project.converted.append(place)
    facts = [f'{source.form}, {how}; images in {source.images}']
    heading = f'{"validation " * bool(part)}{what}: {source.path}'
    project.facts.append((heading, facts + source.facts))
    project.problems += source.problems
