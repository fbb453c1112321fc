"""VOC2007, VOC2012 and SBD as task-flagged records.

A record holds the labels of its tasks and nothing of the others: a withheld
label cannot leak, since nobody reads it (STYLE rule 1).
"""
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset

from mmmultas.registry import DATASETS
from mmmultas.structures import DET, SEG, parse_tasks
from mmmultas.utils.errors import ConfigError, DataError

from .annotated import Annotated
from .checks import (VOCAnnotation, check_ids, png_size, read_ids,
                     read_voc_xml, require_files)
from .files import picture_size, read_bytes
from .label_map import LabelMap, LabelSpace, voc_space
from .pipeline_checks import BalancedByBoxes
from .splits import apply_rule, labelled_part

__all__ = ['VOCDataset', 'check_tasks', 'placed_subset']

_SUBSET_DEFAULTS = dict(
    root='',
    images='JPEGImages',
    annotations='Annotations',
    masks='SegmentationClass',
    img_suffix='.jpg')
Record = dict[str, Any]
Transform = Mapping[str, Any] | Callable[..., Any]


@DATASETS.register_module()
class VOCDataset(BalancedByBoxes, BaseDataset):
    """Boxes, masks or both of one or several roots in the VOC layout.

    Box coordinates are 0-based (XML − 1) as in mmdet. Everything is checked
    when the lists are read: files, XMLs, class names, mask sizes.

    Args:
        data_root: Folder of the roots, for example ``data/VOCdevkit``.
        subsets: One dict per root::

            dict(root='VOC2012',              # below data_root
                 ids='ImageSets/Main/trainval.txt',
                 masks='SegmentationClassAug',        # and further folders:
                 images='JPEGImages', annotations='Annotations',
                 img_suffix='.jpg',
                 tasks=('det',))              # instead of the data set's

            ``ids`` is a list file (looked for below the root, below
            ``data_root`` and in the working directory), a sequence of ids,
            or a split rule ``dict(type='fixed', source=<list>, part='det',
            num_det=500, num_seg=360, seed=0)`` (see
            :func:`~mmmultas.datasets.splits.apply_rule`). A folder that is
            not below the root is looked for in the working directory.
        tasks: Labels that are read: 'det', 'seg', both, or none (``()``).
        classes: Source classes ``dict(det=(…), seg=(…))``; VOC's by default.
        palette: Colours of the source classes, likewise.
        label_map: ``dict(det=…, seg=…)``: source name → merged name (None
            drops it) or the name of a grouping ('groups4', 'groups10').
        annotated: ``dict(det=('car',))``: the classes that somebody looked
            for, of each task where these are not all; entries of the others
            take no part (docs/own_data.md).
        fraction: Share of each subset's images that is used, in (0, 1];
            smaller shares of one seed are parts of larger ones (see
            :func:`~mmmultas.datasets.splits.labelled_part`).
        fraction_seed: Of their draw; the run's own seed has no part in it.
        use_difficult: Difficult boxes take part in training (SPEC 3); in
            ``test_mode`` they are always ignored.
        pipeline: Transforms.
        test_mode: For evaluation.
        indices: The first n images, or a sequence of positions.
        lazy_init: Read and check at :meth:`full_init` only.

    Raises:
        ConfigError: Unknown task or subset key, contradictory classes.
        DataError: A missing, broken or contradictory file.
    """

    def __init__(self,
                 data_root: str,
                 subsets: Sequence[Mapping[str, Any]],
                 tasks: str | Sequence[str] = (DET, SEG),
                 *,
                 classes: Mapping[str, Sequence[str]] | None = None,
                 palette: Mapping[str, Sequence[Sequence[int]]] | None = None,
                 label_map: Mapping[str, str | LabelMap] | None = None,
                 annotated: Mapping[str, Sequence[str]] | None = None,
                 fraction: float = 1.0,
                 fraction_seed: int = 0,
                 use_difficult: bool = True,
                 pipeline: Sequence[Transform] = (),
                 test_mode: bool = False,
                 indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False) -> None:
        self.fraction = fraction
        self.fraction_seed = fraction_seed
        self.use_difficult = use_difficult
        self.subsets = [_subset(s, tasks) for s in subsets]
        if not self.subsets:
            raise ConfigError('`subsets` is empty; name at least one root.')
        named = {t: None for s in self.subsets for t in s['tasks']}
        self.spaces: dict[str, LabelSpace] = {
            task: voc_space(task, (classes or {}).get(task),
                            (palette or {}).get(task),
                            (label_map or {}).get(task))
            for task in named
        }
        self.annotated = Annotated(annotated, self.spaces)
        self.seg_lut = self.spaces[SEG].lut() if SEG in named else None
        super().__init__(
            metainfo={
                'tasks': tuple(named),
                **{t: s.metainfo()
                   for t, s in self.spaces.items()}
            },
            data_root=data_root,
            indices=indices,
            pipeline=list(pipeline),
            test_mode=test_mode,
            lazy_init=lazy_init)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that every sample carries; empty if the subsets differ."""
        kinds = {subset['tasks'] for subset in self.subsets}
        return kinds.pop() if len(kinds) == 1 else ()

    def load_data_list(self) -> list[Record]:
        """Read all lists and labels and check them.

        Raises:
            DataError: See the class.
        """
        if not os.path.isdir(self.data_root):
            raise DataError(f'The data root {self.data_root} is no folder; '
                            f'set `data_root` or MMMULTAS_DATA.')
        return [
            record for subset in self.subsets
            for record in self._load_subset(subset)
        ]

    def get_data_info(self, idx: int) -> Record:
        """The record of image ``idx``, with the table of its mask."""
        info: Record = super().get_data_info(idx)
        if SEG in info['tasks']:
            info['seg_lut'] = self.seg_lut
        return self.annotated(info)

    def ids_of(self, subset: Mapping[str,
                                     Any]) -> tuple[Path, list[str], str]:
        """Read the list of a subset, no label.

        Returns:
            tuple: Its root, its ids and where they come from.

        Raises:
            DataError: The root or the list is missing, or the list is empty.
        """
        root = Path(self.data_root) / subset['root']
        if not root.is_dir():
            raise DataError(f'{root} is no folder; set `root` of the subset '
                            f'or `data_root`.')
        ids, origin = self._ids(subset['ids'], root)
        if self.fraction != 1:
            part = labelled_part(ids, self.fraction, subset['tasks'],
                                 self.fraction_seed)
            if not part:
                raise ConfigError(f'`fraction` {self.fraction} leaves none '
                                  f'of the {len(ids)} images of {origin}: '
                                  'raise it.')
            ids = part
            origin = f'{self.fraction:.3g} of {origin}'
        return root, ids, origin

    def _load_subset(self, subset: Mapping[str, Any]) -> list[Record]:
        root, ids, origin = self.ids_of(subset)
        subset = placed_subset(subset, root)
        tasks = subset['tasks']
        suffix = subset['img_suffix']
        require_files(root / subset['images'], [i + suffix for i in ids],
                      'image', origin)
        if DET in tasks:
            require_files(root / subset['annotations'],
                          [f'{i}.xml' for i in ids], 'annotation', origin)
        if SEG in tasks:
            _check_masks(root, subset)
            require_files(root / subset['masks'], [f'{i}.png' for i in ids],
                          'mask', origin)
        return [self._record(subset, root, i) for i in ids]

    def _ids(self, ids: Any, root: Path) -> tuple[list[str], str]:
        if isinstance(ids, Mapping):
            rule = dict(ids)
            if 'source' not in rule:
                raise ConfigError('the split rule in `ids` needs a `source` '
                                  'list.')
            listed, origin = self._ids(rule.pop('source'), root)
            origin = f'the {rule.get("type")} rule on {origin}'
            return check_ids(apply_rule(listed, rule), origin), origin
        if not isinstance(ids, (str, os.PathLike)):
            return check_ids(ids, '`ids`'), '`ids`'
        places = [base / ids for base in (root, Path(self.data_root), Path())]
        for path in places:
            if path.is_file():
                return read_ids(path), str(path)
        raise DataError(f'The id list {ids} is neither below {root} nor '
                        f'{self.data_root} nor the working directory; set '
                        f'`ids` or write it with tools/dataset_converters/'
                        f'make_partial_splits.py.')

    def _record(self, subset: Mapping[str, Any], root: Path,
                img_id: str) -> Record:
        image = root / subset['images'] / f'{img_id}{subset["img_suffix"]}'
        record: Record = dict(
            img_path=str(image), img_id=img_id, tasks=subset['tasks'])
        size = None
        if DET in subset['tasks']:
            path = root / subset['annotations'] / f'{img_id}.xml'
            annotation = read_voc_xml(path)
            size = annotation.size or _image_size(image)
            record['instances'] = self._instances(annotation, path)
        if SEG in subset['tasks']:
            mask = root / subset['masks'] / f'{img_id}.png'
            mask_size = png_size(mask)
            if size and size != mask_size:
                raise DataError(
                    f'{mask} is {mask_size[1]}×{mask_size[0]}, its image '
                    f'{size[1]}×{size[0]} pixels; replace the mask.')
            size = mask_size
            record['seg_map_path'] = str(mask)
        if size:
            record['height'], record['width'] = size
        return record

    def _instances(self, annotation: VOCAnnotation,
                   path: Path) -> list[Record]:
        index = self.spaces[DET].index
        instances = []
        for thing in annotation.objects:
            if thing.name not in index:
                raise DataError(
                    f'{path} has an object of class {thing.name!r}, which '
                    f"`classes['det']` does not name; add it or drop it with "
                    f'`label_map=dict(det={{{thing.name!r}: None}})`.')
            label = index[thing.name]
            if label is None:
                continue
            x1, y1, x2, y2 = (float(side - 1) for side in thing.bbox)
            skip = thing.difficult and (self.test_mode
                                        or not self.use_difficult)
            # a box without area has no logarithm: it cannot be learnt
            flat = x2 <= x1 or y2 <= y1
            instances.append(
                dict(
                    bbox=[x1, y1, x2, y2],
                    bbox_label=label,
                    ignore_flag=int(skip or flat)))
        return instances


def check_tasks(tasks: str | Sequence[str],
                known: Iterable[str] = (DET, SEG)) -> tuple[str, ...]:
    """Parse ``tasks`` and refuse those that no data set of ours reads.

    No task at all is right: images without labels, for teachers to speak
    about.

    Args:
        tasks: The config's value.
        known: Names of the tasks that the data set can read.

    Raises:
        ConfigError: Another task.
    """
    names = parse_tasks(tasks)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f'`tasks` of a data set names {unknown}; have '
                          f'{", ".join(known)}.')
    return names


def _subset(subset: Mapping[str, Any], tasks: Any) -> dict[str, Any]:
    unknown = set(subset) - {*_SUBSET_DEFAULTS, 'ids', 'tasks'}
    if unknown:
        raise ConfigError(
            f'a subset has the unknown key {sorted(unknown)[0]!r}; have '
            f'{", ".join(sorted({*_SUBSET_DEFAULTS, "ids", "tasks"}))}.')
    if 'ids' not in subset:
        raise ConfigError(f'the subset {subset.get("root", "")!r} needs '
                          f'`ids`: a list file, ids or a split rule.')
    merged = {**_SUBSET_DEFAULTS, **subset}
    merged['tasks'] = check_tasks(subset.get('tasks', tasks))
    return merged


def _check_masks(root: Path, subset: Mapping[str, Any]) -> None:
    """Say where a folder of masks was looked for, and who makes some."""
    if not (root / subset['masks']).is_dir():
        raise DataError(
            f'The masks {subset["masks"]} are neither below {root} nor in the '
            'working directory: mend `masks` of the subset, or make them '
            '(docs/weak_losses.md has tools that do, of boxes).')


def placed_subset(subset: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A subset whose folders are below its root, or else absolute.

    Masks that a tool has made are seldom written among the data.

    Args:
        subset: Of ``subsets``.
        root: Its root.
    """
    placed = dict(subset)
    for key in ('images', 'annotations', 'masks'):
        here = Path(subset[key])
        if not (root / here).is_dir() and here.is_dir():
            placed[key] = str(here.absolute())
    return placed


def _image_size(path: Path) -> tuple[int, int]:
    size = picture_size(read_bytes(path, 'image'))
    if size is None:
        raise DataError(f'{path} is no image that can be read; replace it.')
    return size
