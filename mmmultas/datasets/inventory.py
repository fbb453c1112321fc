"""Which files a data set's config is made of, without opening labels.

The data sets themselves stop at the first broken file; here the config is
taken apart so that all of them can be looked at.
"""
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from numpy.typing import NDArray

from mmmultas.registry import DATASETS
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import DataError, UserError
from mmmultas.utils.name_lists import lists_within

from .coco import CocoImage, scan_coco
from .colours import ColourTable
from .examine import Box, Item, Rules, box_problems, unknown_class
from .folder import Entry, FolderDataset
from .listing import list_files
from .partial import PartialDataset
from .pipeline_checks import is_coco
from .problems import Problem, problem_of
from .transforms.labels import kind_in
from .voc import VOCDataset, placed_subset

__all__ = ['Inventory', 'leaf_configs', 'take_inventory']


@dataclass
class Inventory:
    """The files of a data set.

    Attributes:
        items: One per image.
        rules: What their labels may say.
        problems: What is wrong with lists and folders.
        notes: What is no problem, but good to know.
        lists: Files that name the images of a part, and what each data set
            lacks of them.
    """
    items: list[Item] = field(default_factory=list)
    rules: Rules = field(default_factory=lambda: Rules({}, {}))
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lists: list[tuple[str, Collection[str]]] = field(default_factory=list)


def leaf_configs(cfg: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data sets that wrappers (concatenation …) hold."""
    if issubclass(_class_of(cfg), PartialDataset):
        yield cfg
    elif cfg.get('datasets'):
        for part in cfg['datasets']:
            yield from leaf_configs(part)
    elif isinstance(cfg.get('dataset'), Mapping):
        yield from leaf_configs(cfg['dataset'])
    else:
        yield cfg


def take_inventory(cfg: Mapping[str, Any], key: str) -> Inventory:
    """Find the files of one data set.

    Args:
        cfg: Config of a data set as :func:`leaf_configs` yields it.
        key: Its place in the config, for messages.

    Raises:
        ConfigError: The config cannot be right.
    """
    exif = all(
        t.get('exif', True) for t in cfg.get('pipeline') or ()
        if isinstance(t, Mapping)
        and str(t.get('type', '')).endswith('LoadImage'))
    inventory = Inventory()
    try:
        dataset = DATASETS.build(_unread(cfg))
        _fill(inventory, dataset, exif)
        inventory.lists += lists_within(dataset)
        if hasattr(dataset, 'annotated'):
            inventory.notes += dataset.annotated.notes()
    except DataError as error:
        inventory.problems.append(problem_of(error, key, 'mend the config'))
    except UserError:
        raise
    except Exception as error:  # whatever a foreign data set trips over
        if isinstance(error, KeyError) and 'registry' in str(error):
            raise
        inventory.problems.append(
            Problem(key, f'cannot be read ({type(error).__name__}: {error})',
                    'mend its files or its config'))
    return inventory


def _class_of(cfg: Mapping[str, Any]) -> type:
    kind = cfg.get('type')
    if isinstance(kind, type):
        return kind
    found = DATASETS.get(str(kind))
    return found if isinstance(found, type) else object


def _unread(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a data set that reads nothing when it is built."""
    bare = dict(cfg)
    kind = _class_of(cfg)
    if issubclass(kind, (PartialDataset, BaseDataset)):
        bare['pipeline'] = []
    if issubclass(kind, PartialDataset) and isinstance(
            cfg.get('dataset'), Mapping):
        bare['dataset'] = dict(cfg['dataset'])
        if not {'dataset', 'datasets'} & set(cfg['dataset']):
            bare['dataset']['lazy_init'] = True
    elif issubclass(kind, BaseDataset):
        bare['lazy_init'] = True
    return bare


def _fill(inventory: Inventory, dataset: Any, exif: bool) -> None:
    spaces = getattr(dataset, 'spaces', {})
    told = getattr(dataset, 'metainfo', {})
    meta = {task: told[task] for task in told.get('tasks', ())
            if isinstance(told.get(task), Mapping)}
    inventory.rules = Rules(
        dict(spaces[DET].index) if DET in spaces else {},
        {task: space.classes for task, space in spaces.items()} | {
            task: tuple(entry['classes']) for task, entry in meta.items()
            if 'classes' in entry}, exif,
        bool(getattr(dataset, 'use_difficult', False))
        and not getattr(dataset, 'test_mode', False),
        {task: {k: entry[k] for k in ('kind', 'unit') if k in entry}
         for task, entry in meta.items()},
        detectors={task: dict(file.space.index) for task, file in getattr(
            dataset, 'detectors', {}).items() if task != DET and file.space})
    if isinstance(dataset, VOCDataset):
        _of_voc(inventory, dataset)
    elif isinstance(dataset, FolderDataset):
        _of_folder(inventory, dataset)
    elif isinstance(dataset, PartialDataset) and isinstance(
            dataset.dataset, (VOCDataset, FolderDataset)):
        _of_wrapped(inventory, dataset, exif)
    else:
        _of_records(inventory, dataset)


def _cut(items: list[Item], dataset: Any) -> list[Item]:
    """Apply ``indices`` as MMEngine does."""
    indices = getattr(dataset, '_indices', None)
    if indices is None:
        return items
    if isinstance(indices, int):
        return items[:indices] if indices >= 0 else items[indices:]
    return [items[i] for i in indices if i < len(items)]


def _of_voc(inventory: Inventory, dataset: VOCDataset) -> None:
    items = []
    for subset in dataset.subsets:
        name = subset['root'] or dataset.data_root
        try:
            root, ids, origin = dataset.ids_of(subset)
        except DataError as error:
            inventory.problems.append(problem_of(error, str(name)))
            continue
        found = _Files(inventory.problems, origin)
        subset = placed_subset(subset, root)
        for img_id in ids:
            image = found.of(root / subset['images'],
                             img_id + subset['img_suffix'], 'image')
            xml = mask = None
            if DET in subset['tasks']:
                xml = found.of(root / subset['annotations'], f'{img_id}.xml',
                               'annotation')
            if SEG in subset['tasks']:
                mask = found.of(root / subset['masks'], f'{img_id}.png',
                                'mask')
            if image:
                items.append(
                    Item(
                        image,
                        tuple(t for t, f in ((DET, xml), (SEG, mask)) if f),
                        xml=xml,
                        mask=mask,
                        table=dataset.seg_lut))
    inventory.items = _cut(items, dataset)


class _Files:
    """Looks files up, listing each folder once."""

    def __init__(self, problems: list[Problem], origin: str) -> None:
        self.problems, self.origin = problems, origin
        self.listed: dict[Path, set[str]] = {}

    def of(self, folder: Path, name: str, what: str) -> str | None:
        """The path, or None and a problem."""
        if folder not in self.listed:
            try:
                self.listed[folder] = set(os.listdir(folder))
            except OSError as error:
                self.listed[folder] = set()
                self.problems.append(
                    Problem(
                        str(folder), f'cannot be listed ({error.strerror})',
                        f'mend the path of the {what}s', 'match'))
        if name in self.listed[folder]:
            return str(folder / name)
        self.problems.append(
            Problem(
                str(folder / name), 'is missing',
                f'add the {what} or take its id out of {self.origin}',
                'match'))
        return None


def _of_folder(inventory: Inventory, dataset: FolderDataset) -> None:
    entries, problems = dataset.scan()
    inventory.problems += problems
    items = []
    for entry, tasks in dataset.kept(entries):
        sets = {task: _boxes_of(inventory, dataset, entry, task)
                for task in entry.boxes if task in tasks}
        items.append(
            replace(
                sets.pop(DET, Item(entry.image, ())),
                tasks=tasks,
                origin=str(dataset.boxes),
                mask=entry.mask,
                table=dataset.seg_table,
                maps=dataset.map_sources(entry, tasks),
                detectors=sets))
    inventory.items = _cut(items, dataset)
    inventory.notes += _unused(dataset, {e.image for e in entries})


def _boxes_of(inventory: Inventory, dataset: FolderDataset, entry: Entry,
              task: str) -> Item:
    """The boxes of one detector in an image, those of a json checked."""
    label, file = entry.boxes[task], dataset.detectors[task]
    if not isinstance(label, CocoImage):
        return Item(entry.image, (DET, ), xml=label, origin=label)
    rules = inventory.rules
    index = rules.index if task == DET else rules.detectors[task]
    boxes, wrong = _coco_boxes(label, index, file.path, task)
    inventory.problems += wrong
    return Item(entry.image, (DET, ), boxes=tuple(boxes), origin=file.path,
                size=label.size)


def _unused(dataset: FolderDataset, used: set[str]) -> Iterator[str]:
    """Images without label, where none are left out on purpose."""
    if dataset.part is not None or dataset.names is not None:
        return
    labels = {str(dataset.masks), str(dataset.boxes)}
    spare = [f for f in list_files(dataset.images)[0].values()
             if f not in used and str(Path(f).parent) not in labels]
    if spare:
        names = ', '.join(Path(f).name for f in spare[:3])
        yield (f'{len(spare)} images in {dataset.images} have no label for '
               f'{" and ".join(dataset.tasks)} here and are left out ({names}'
               + ', …' * (len(spare) > 3) + ')')


def _coco_boxes(image: CocoImage, index: Mapping[str, int | None],
                origin: str, task: str = DET
                ) -> tuple[list[Box], list[Problem]]:
    boxes, problems = [], []
    for box in image.boxes:
        label = index.get(box.name)
        if box.name not in index:
            problems.append(unknown_class(origin, box.name, task))
        elif label is not None:
            boxes.append(
                Box(box.name, label, box.bbox, box.ignore, box.ignore))
    return boxes, problems


def _of_wrapped(inventory: Inventory, dataset: PartialDataset,
                exif: bool) -> None:
    """Ours within a PartialDataset: its labels, the outer's classes."""
    inner: Any = dataset.dataset
    kept = Inventory()
    _fill(kept, inner, exif)
    index: dict[str, int | None] = {}
    if DET in dataset.spaces:
        outer = dataset.spaces[DET]
        for name, label in kept.rules.index.items():
            index[name] = None if label is None else outer.index[
                outer.sources[label]]
    inventory.rules = replace(
        kept.rules, index=index, classes=inventory.rules.classes)
    inventory.problems, inventory.notes = kept.problems, kept.notes
    for item in kept.items:
        tasks = tuple(t for t in item.tasks if t in dataset.tasks)
        boxes, table = [], item.table
        for box in item.boxes if DET in tasks else ():
            label = index[box.name]
            if label is not None:
                boxes.append(replace(box, label=label))
        if SEG in tasks and table is not None:
            table = dataset.merged_table(table)
        inventory.items.append(
            replace(
                item,
                tasks=tasks,
                boxes=tuple(boxes),
                table=table))


def _of_records(inventory: Inventory, dataset: Any) -> None:
    """Any other data set: what its records say."""
    inner = getattr(dataset, 'dataset', None)
    from_coco = is_coco(inner)
    if from_coco and DET in inventory.rules.classes:
        problems, notes = _coco_file(inner)
        inventory.problems += problems
        inventory.notes += notes
    if hasattr(dataset, 'full_init'):
        dataset.full_init()
    records = [dataset.get_data_info(i) for i in range(len(dataset))]
    if records and 'img_path' not in records[0]:
        inventory.notes.append(f'{type(dataset).__name__} has no files: its '
                               f'samples cannot be looked at')
        return
    for place, record in enumerate(records):
        raw = inner.get_data_info(place) if isinstance(
            inner, BaseDataset) else {}
        inventory.items.append(_item(record, raw, inventory.rules, from_coco))


def _item(record: Mapping[str, Any], raw: Mapping[str, Any], rules: Rules,
          known_boxes: bool) -> Item:
    tasks = tuple(record.get('tasks', ()))
    names: Sequence[str] = rules.classes.get(DET, ())
    boxes = tuple(
        Box(names[x['bbox_label']], x['bbox_label'], tuple(x['bbox']),
            bool(x.get('ignore_flag')), bool(x.get('ignore_flag')))
        for x in record.get('instances', ()))
    size = (record['height'], record['width']) if (
        'height' in record and 'width' in record) else None
    table: NDArray | ColourTable | None = record.get(
        'seg_colours', record.get('seg_lut'))
    xml = raw.get('xml_path') if DET in tasks else None
    maps = {task: (kind_in(record, task), source)
            for task, source in (record.get('labels') or {}).items()
            if task in tasks}
    return Item(
        record['img_path'],
        tasks,
        xml=xml,
        boxes=boxes,
        origin=record['img_path'],
        known_boxes=known_boxes,
        size=size,
        mask=record.get('seg_map_path'),
        table=table,
        maps=maps)


def _coco_file(dataset: Any) -> tuple[list[Problem], list[str]]:
    """What mmdet's CocoDataset passes over in silence."""
    coco, problems = scan_coco(dataset.ann_file)
    names = tuple(dataset.metainfo['classes'])
    used = [name for name in coco.classes if name in names]
    if used != list(names[:len(used)]):
        problems.append(
            Problem(
                dataset.ann_file, f'has the classes in the order '
                f'{", ".join(used)}, but the config says {", ".join(names)}: '
                f'mmdet would number them wrongly',
                'put `metainfo.classes` into the order of the file, or take '
                'mmmultas.FolderDataset'))
    notes = [
        f'{dataset.ann_file}: boxes of {name!r} are left out, since the '
        f'config does not name it' for name in coco.classes
        if name not in names
    ]
    index = {name: i for i, name in enumerate(names)}
    for image in coco.images:
        for box in _coco_boxes(image, index, dataset.ann_file)[0]:
            wrong = box_problems(box, image.size, dataset.ann_file,
                                 image.file_name)
            problems += wrong
    return problems, notes
