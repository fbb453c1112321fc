"""Own data: a folder of images with boxes, masks or both beside it."""
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmmultas.registry import DATASETS
from mmmultas.structures import BOXES, DET, SEG
from mmmultas.utils.errors import ConfigError, DataError

from .annotated import Annotated
from .box_files import BoxFile
from .checks import png_size
from .coco import CocoImage
from .colours import ColourTable
from .hold_out import check_rule, held_out, pick_part, read_names
from .label_folders import label_folders
from .label_map import IGNORE, LabelMap, LabelSpace
from .listing import list_files
from .mask_table import MaskValue, mask_table
from .pipeline_checks import BalancedByBoxes
from .problems import WARNING, Problem, first_of
from .regimes import LabelRegime
from .voc import Record, Transform, check_tasks

__all__ = ['Entry', 'FolderDataset', 'held_out', 'list_files', 'mask_table']

@dataclass(frozen=True)
class Entry:
    """An image and where its labels are; those of other tasks are None."""
    name: str
    image: str
    mask: str | None = None
    boxes: Mapping[str, CocoImage | str] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)


@DATASETS.register_module()
class FolderDataset(BalancedByBoxes, BaseDataset):
    """Images of a folder that have the labels of ``tasks``.

    Image, XML and mask belong together by their names without suffix;
    subfolders are looked through.

    Args:
        images: Folder of the images.
        boxes: COCO json, or folder of XMLs as of VOC. Read for 'det' only.
        masks: Folder of masks: PNGs with a number per pixel (grey or
            palette), or with colours. Read for 'seg' only.
        labels: Folders of further labels, by the names of their tasks:
            ``dict(depth=dict(root='depths', scale=0.001), parts=dict(
            kind='classes', root='parts', classes=(…)), cars=dict(
            kind='boxes', root='cars.json', classes=(…)))``
            (:func:`~mmmultas.datasets.label_folders.label_folders`).
        tasks: Labels that are read: 'det', 'seg' and names of ``labels``. An
            image without one of them is left out.
        regime: Which of these labels each image keeps: arguments of
            :class:`~mmmultas.datasets.regimes.LabelRegime`; default all.
        classes: ``dict(det=(…), seg=(…))``.
        palette: Colours of the classes, likewise; made up if absent.
        label_map: As in :class:`~mmmultas.datasets.voc.VOCDataset`.
        annotated: ``dict(det=('car',))``: the classes that somebody looked
            for, of each task where these are not all; entries of the others
            take no part (docs/own_data.md).
        mask_values: For each class of 'seg' its value in the masks: a
            number, a colour '#rrggbb', or a sequence of such. By default
            0, 1, 2, …
        ignore_values: Values (or colours) of pixels that take no part.
        image_suffix: End of the images' names, where it is more than the
            usual file types or these are not unique ('_leftImg8bit.png').
        mask_suffix: End of the masks' names.
        part: 'train' or 'val' of the images; None for all.
        val_share: Share of the images that are held out as 'val'.
        val_rule: 'count': exactly so many, versions of one photograph
            together; 'hash': each by its own name, as it was before there
            was a rule (:func:`~mmmultas.datasets.hold_out.held_out`).
        names: A file of names of images, one a line. With it 'val' are the
            images that it names, 'train' all others, and None those alone.
        use_difficult: As in VOCDataset.
        pipeline: Transforms.
        test_mode: For evaluation.
        indices: The first n images, or a sequence of positions.
        lazy_init: Read and check at :meth:`full_init` only.

    Raises:
        ConfigError: Contradictory arguments.
        DataError: A missing, broken or contradictory file.
    """

    def __init__(self,
                 images: str,
                 boxes: str | None = None,
                 masks: str | None = None,
                 tasks: str | Sequence[str] = (DET, SEG),
                 *,
                 labels: Mapping[str, Mapping[str, Any]] | None = None,
                 regime: Mapping[str, Any] | None = None,
                 classes: Mapping[str, Sequence[str]] | None = None,
                 palette: Mapping[str, Sequence[Sequence[int]]] | None = None,
                 label_map: Mapping[str, str | LabelMap] | None = None,
                 annotated: Mapping[str, Sequence[str]] | None = None,
                 mask_values: Sequence[MaskValue] | None = None,
                 ignore_values: Sequence[int | str] = (IGNORE, ),
                 image_suffix: str | None = None,
                 mask_suffix: str = '.png',
                 part: str | None = None,
                 val_share: float = 0.2,
                 val_rule: str = 'hash',
                 names: str | None = None,
                 use_difficult: bool = True,
                 pipeline: Sequence[Transform] = (),
                 test_mode: bool = False,
                 indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False) -> None:
        self.folders = label_folders(labels)
        self.tasks = check_tasks(tasks, (DET, SEG, *self.folders))
        self.regime = LabelRegime.build(regime)
        self.dealt = check_tasks(self.regime.among(self.tasks),
                                 (DET, SEG, *self.folders))
        classes = classes or {}
        self.images, self.boxes, self.masks = images, boxes, masks
        self.image_suffix, self.mask_suffix = image_suffix, mask_suffix
        self.part, self.val_share = _check_part(part, val_share)
        self.val_rule, self.names = check_rule(val_rule), names
        #: The file ``names`` of a part, and what it names and is not here.
        self.lost_names: tuple[str, tuple[str, ...]] | None = None
        self.use_difficult = use_difficult
        for task, key, value in ((DET, 'boxes', boxes), (SEG, 'masks',
                                                         masks)):
            if task in self.dealt and not value:
                raise ConfigError(f'a FolderDataset with {task!r} in `tasks` '
                                  f'needs `{key}`.')
            if task in self.tasks and not classes.get(task):
                raise ConfigError(f'a FolderDataset with {task!r} in `tasks` '
                                  f'needs `classes=dict({task}=(…))`.')
        self.spaces = {
            task: LabelSpace.build(classes[task], (palette or {}).get(task),
                                   (label_map or {}).get(task))
            for task in self.tasks if task not in self.folders
        }
        self.detectors = self._detectors(test_mode)
        self.annotated = Annotated(annotated, self.spaces)
        self.seg_table = None if SEG not in self.tasks else mask_table(
            self.spaces[SEG], mask_values, ignore_values)
        meta: dict[str, Any] = {
            t: s.metainfo() for t, s in self.spaces.items()}
        meta.update((t, dict(f.meta)) for t, f in self.folders.items()
                    if t in self.tasks)
        super().__init__(
            metainfo={'tasks': self.tasks, **meta},
            indices=indices,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init)

    def _detectors(self, test_mode: bool) -> dict[str, BoxFile]:
        """Task → where its boxes are, of all that is dealt."""
        spaces = {task: (folder.root, folder.space)
                  for task, folder in self.folders.items()
                  if task in self.dealt and folder.kind == BOXES}
        if DET in self.dealt:
            spaces[DET] = str(self.boxes), self.spaces.get(DET)
        return {
            task: BoxFile(task, path, space, self.image_suffix,
                          test_mode or not self.use_difficult)
            for task, (path, space) in spaces.items()
        }

    def get_data_info(self, idx: int) -> Record:
        """The record of image ``idx``, with the table of its mask."""
        info: Record = super().get_data_info(idx)
        if SEG in info['tasks']:
            colours = isinstance(self.seg_table, ColourTable)
            info['seg_colours' if colours else 'seg_lut'] = self.seg_table
        for task, source in (info.get('labels') or {}).items():
            source.update(self.folders[task].table)  # none of boxes
        return self.annotated(info)

    def load_data_list(self) -> list[Record]:
        """Read all labels and check them.

        Raises:
            DataError: See the class.
        """
        entries, problems = self.scan()
        first_of(problems)
        for problem in problems:
            print_log(str(problem), 'current', logging.WARNING)
        return [self._record(entry, tasks)
                for entry, tasks in self.kept(entries)]

    def kept(self, entries: Sequence[Entry]
             ) -> list[tuple[Entry, tuple[str, ...]]]:
        """Images that take part, and the tasks whose labels they keep."""
        kept = self.regime([entry.name for entry in entries], self.tasks)
        return [(entry, kept[entry.name]) for entry in entries
                if entry.name in kept]

    def scan(self) -> tuple[list[Entry], list[Problem]]:
        """Find images and labels; no image, XML or mask is opened.

        Raises:
            DataError: A folder or the json is missing, or there is no image.
        """
        images, problems = list_files(self.images, self.image_suffix)
        labels = self._labels(problems)
        files = list(labels.values())
        chosen = self._part([
            n for n in (files[0] if files else images)
            if all(n in x for x in files)
        ], problems)
        problems += self._missing(labels, images)
        entries = []
        for name in chosen:
            if name in images:
                found = {task: x[name] for task, x in labels.items()
                         if task in self.tasks}
                entries.append(self._entry(name, images[name], found))
            else:
                problems.append(
                    self._no_image(name, files[0][name], images))
        if not chosen:
            told = ' '.join(str(p) for p in problems[:1])
            raise DataError(
                f'{self.images} has no image with labels '
                f'({", ".join(self.dealt)}) in '
                f'{" and ".join(self._places())}: images are called '
                f'{_some(images)}, labels '
                f'{" and ".join(map(_some, files))}; names without suffix '
                f'must be the same (see `mask_suffix` and `image_suffix`).' +
                f' {told}'.rstrip())
        return entries, problems

    def _missing(self, labels: Mapping[str, Mapping[str, Any]],
                 images: Mapping[str, str]) -> Iterator[Problem]:
        """Images that lack the label of one task, and so are left out."""
        known = dict.fromkeys(
            n for x in labels.values() for n in x if n in images)
        for task, own in labels.items():
            lost = [name for name in known if name not in own]
            if lost:
                yield Problem(
                    self._place(task), f'has no label of {len(lost)} images '
                    f'that have another one ({_some(lost)}), which are left '
                    'out', 'add them, or give each task a stream of its own',
                    'match', WARNING)

    def _labels(self, problems: list[Problem]
                ) -> dict[str, Mapping[str, Any]]:
        """Task → name of an image → its label, of all that is dealt."""
        labels: dict[str, Mapping[str, Any]] = {}
        if DET in self.dealt:
            labels[DET] = self.detectors[DET].scan(problems)
        if SEG in self.dealt:
            labels[SEG] = list_files(str(self.masks), self.mask_suffix)[0]
        for task in self.dealt:
            if task in self.folders:
                labels[task] = (self.detectors[task].scan(problems)
                                if task in self.detectors else
                                self.folders[task].files())
        return labels

    def _part(self, names: list[str], problems: list[Problem]) -> list[str]:
        if self.names is None or not names:
            return held_out(names, self.part, self.val_share, self.val_rule)
        chosen, lost = pick_part(names, read_names(self.names), self.part,
                                 self.names)
        if self.part is not None:
            self.lost_names = self.names, tuple(lost)
        elif lost:
            problems.append(
                Problem(
                    self.names, f'names {len(lost)} images that have no '
                    f'label here, {", ".join(lost[:3])} among them',
                    'take them out or add them', 'match', WARNING))
        return chosen

    def _places(self) -> list[str]:
        return [self._place(task) for task in self.dealt]

    def _place(self, task: str) -> str:
        if task in self.folders:
            return self.folders[task].root
        return str(self.boxes if task == DET else self.masks)

    def _no_image(self, name: str, label: Any,
                  images: Mapping[str, str]) -> Problem:
        asks = label
        if isinstance(label, CocoImage):
            asks = next(d.path for d in self.detectors.values())
        return Problem(
            str(Path(self.images) / name), f'is asked for by {asks}, but '
            f'there is no such image (images there are called '
            f'{_some(images)})', 'add it or remove its label', 'match')

    def _entry(self, name: str, image: str,
               found: Mapping[str, Any]) -> Entry:
        return Entry(
            name,
            image,
            boxes={task: label for task, label in found.items()
                   if task in self.detectors},
            mask=found.get(SEG),
            maps={task: path for task, path in found.items()
                  if task != SEG and task not in self.detectors})

    def _record(self, entry: Entry, tasks: tuple[str, ...]) -> Record:
        """What an image shows to the pipeline: the labels of ``tasks``."""
        record: Record = dict(
            img_path=entry.image, img_id=entry.name, tasks=tasks)
        maps = {task: path for task, path in entry.maps.items()
                if task in tasks}
        if maps:
            record['labels'] = {
                task: self.folders[task].record(path)
                for task, path in maps.items()}
            record['kinds'] = {task: self.folders[task].kind for task in maps}
        self._add_boxes(record, entry,
                        [task for task in entry.boxes if task in tasks])
        if SEG in tasks:
            record['seg_map_path'] = entry.mask
            if 'height' not in record and (size := png_size(str(entry.mask))):
                record['height'], record['width'] = size
        return record

    def map_sources(
            self, entry: Entry,
            tasks: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
        """Kind and source of each further label that an image keeps."""
        return {
            task: (folder.kind, {**folder.record(entry.maps[task]),
                                 **folder.table})
            for task, folder in self.folders.items()
            if task in tasks and task in entry.maps
        }

    def _add_boxes(self, record: Record, entry: Entry,
                   tasks: Sequence[str]) -> None:
        """The boxes of all detectors among ``tasks``."""
        labels = [entry.boxes[task] for task in tasks]
        coco = [label for label in labels if isinstance(label, CocoImage)]
        if coco and len(coco) == len(tasks):
            # what is ignored covers more than one object
            record.update(img_id=coco[0].img_id, crowds=True)
        for task in tasks:
            found, size = self.detectors[task].read(entry.boxes[task])
            if task == DET:
                record['instances'] = found
            else:
                record.setdefault('labels', {})[task] = dict(instances=found)
                record.setdefault('kinds', {})[task] = BOXES
            if size:
                record['height'], record['width'] = size


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ', '.join(listed[:3]) + ', …' * (len(listed) > 3) or 'nothing'


def _check_part(part: str | None, share: float) -> tuple[str | None, float]:
    if part not in (None, 'train', 'val') or not 0 < share < 1:
        raise ConfigError(f"`part` is 'train', 'val' or None and `val_share` "
                          f'between 0 and 1, not {part!r} and {share}.')
    return part, share
