"""Any mmdet or mmseg data set as task-flagged records."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from numpy.typing import NDArray
from torch.utils.data import Dataset

from mmmultas.registry import DATASETS
from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError, DataError

from .annotated import Annotated
from .colours import ColourTable
from .label_map import IGNORE, INVALID, LabelMap, LabelSpace
from .pipeline_checks import (BalancedByBoxes, is_coco, parts_of,
                              refuse_balancing_by)
from .voc import check_tasks

__all__ = ['PartialDataset', 'mmseg_lut']

Record = dict[str, Any]
Transform = Mapping[str, Any] | Callable[..., Any]
_EMPTY = 'The data set {} has no images; mend its paths or its `filter_cfg`.'
_BOX_KEYS = ('bbox', 'bbox_label', 'ignore_flag')


@DATASETS.register_module()
class PartialDataset(BalancedByBoxes, Dataset[Any]):
    """Keep the labels of ``tasks`` of another data set, and only those.

    Args:
        dataset: Config (or object) of a data set of mmdet (boxes, and masks
            through ``data_prefix=dict(img=…, seg=…)``), of mmseg, or of
            ours. Its own pipeline is emptied. A data set without boxes is
            looked for in mmseg (``_scope_`` is set here), others in the
            default scope; ``'mmdet.X'`` and ``'mmseg.X'`` always work.
        tasks: Labels that are kept.
        classes: ``dict(det=…, seg=…)``: names in place of the data set's.
            'seg' is needed for masks of an mmdet data set, whose own classes
            are those of its boxes.
        palette: Colours, likewise.
        label_map: Merging per task, as in
            :class:`~mmmultas.datasets.voc.VOCDataset`.
        annotated: ``dict(det=('car',))``: the classes that somebody looked
            for, of each task where these are not all; entries of the others
            take no part (docs/own_data.md).
        pipeline: Transforms.
        max_refetch: Other images tried when a transform returns None.

    Raises:
        ConfigError: A task whose label the data set does not have, or whose
            classes are not known, or ``annotated`` where it does not count.
    """

    def __init__(self,
                 dataset: Mapping[str, Any] | Dataset[Any],
                 tasks: str | Sequence[str],
                 *,
                 classes: Mapping[str, Sequence[str]] | None = None,
                 palette: Mapping[str, Sequence[Sequence[int]]] | None = None,
                 label_map: Mapping[str, str | LabelMap] | None = None,
                 annotated: Mapping[str, Sequence[str]] | None = None,
                 pipeline: Sequence[Transform] = (),
                 max_refetch: int = 100) -> None:
        self.tasks = check_tasks(tasks)
        if isinstance(dataset, Mapping):
            dataset = _build(dataset, self.tasks)
        refuse_balancing_by(dataset, self.tasks)
        self.dataset: Any = dataset
        self.pipeline = Compose(list(pipeline))
        self.max_refetch = max_refetch
        self.spaces = {
            task: self._space(task, (classes or {}).get(task),
                              (palette or {}).get(task),
                              (label_map or {}).get(task))
            for task in self.tasks
        }
        self.annotated = Annotated(annotated, self.spaces)
        self._luts: dict[Any, NDArray[np.uint8]] = {}
        #: Whether boxes to be ignored are COCO's crowds, not difficult ones.
        self._crowds = any(map(is_coco, parts_of(dataset)))

    @property
    def metainfo(self) -> dict[str, Any]:
        """``tasks`` and, for each, ``classes`` and ``palette``."""
        return {
            'tasks': self.tasks,
            **{t: s.metainfo()
               for t, s in self.spaces.items()}
        }

    def full_init(self) -> None:
        """Read the lists of the wrapped data set and check a record.

        Raises:
            DataError: The data set is empty or lacks a label.
        """
        if hasattr(self.dataset, 'full_init'):
            self.dataset.full_init()
        if not len(self.dataset):
            raise DataError(_EMPTY.format(type(self.dataset).__name__))
        self.get_data_info(0)

    def get_data_info(self, index: int) -> Record:
        """The record of image ``index``, without withheld labels."""
        info = self.dataset.get_data_info(index)
        if info.get('annotated'):
            raise ConfigError(
                f'A {type(self.dataset).__name__} inside of a PartialDataset '
                'has `annotated`: give that to the PartialDataset, whose '
                'classes count.')
        record: Record = dict(
            img_path=info['img_path'],
            # as it is: COCO's evaluator looks its numbers up
            img_id=info.get('img_id', info['img_path']),
            tasks=self.tasks)
        record.update({k: info[k] for k in ('height', 'width') if k in info})
        if DET in self.tasks:
            record['instances'] = self._instances(info)
            record['crowds'] = info.get('crowds', self._crowds)
        if SEG in self.tasks:
            record['seg_map_path'] = self._label(info, 'seg_map_path', SEG)
            if 'seg_colours' in info:
                record['seg_colours'] = self.merged_table(info['seg_colours'])
            else:
                record['seg_lut'] = self._lut(info)
        return self.annotated(record)

    def merged_table(self, table: Any) -> Any:
        """What a table of the data set's own ids becomes by ``label_map``.

        Args:
            table: Mask value → id as a (256,) array, or a ColourTable.
        """
        merge = self.spaces[SEG].lut()
        if isinstance(table, ColourTable):
            return ColourTable(table.codes, merge[table.ids])
        return merge[table]

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        for _ in range(self.max_refetch + 1):
            sample = self.pipeline(self.get_data_info(index))
            if sample is not None:
                return sample
            index = np.random.randint(len(self))
        raise ConfigError(f'`pipeline` of PartialDataset returned None for '
                          f'{self.max_refetch + 1} images in a row.')

    def _space(self, task: str, classes: Any, palette: Any,
               label_map: Any) -> LabelSpace:
        meta = self.dataset.metainfo
        own = meta.get(task, meta)  # ours have an entry per task
        known = own is not meta or task == DET or _is_mmseg(self.dataset)
        if classes is None:
            if not known or not own.get('classes'):
                raise ConfigError(
                    f'{type(self.dataset).__name__} does not tell the classes '
                    f'of {task!r}; name them in `classes=dict({task}=…)`.')
            classes = own['classes']
            palette = palette or own.get('palette') or None
        if palette is not None and len(palette) != len(classes):
            palette = None  # mmdet's may be longer, or the word 'random'
        return LabelSpace.build(classes, palette, label_map)

    def _label(self, info: Record, key: str, task: str) -> Any:
        if info.get(key) is None:
            raise DataError(
                f'{type(self.dataset).__name__} has no {key!r} for '
                f'{info["img_path"]}; take {task!r} out of `tasks` or set '
                f'its `data_prefix`.')
        return info[key]

    def _instances(self, info: Record) -> list[Record]:
        space = self.spaces[DET]
        kept = []
        for thing in self._label(info, 'instances', DET):
            label = space.index[space.sources[thing['bbox_label']]]
            if label is not None:
                kept.append({**{k: thing.get(k, 0) for k in _BOX_KEYS},
                             'bbox_label': label})
        return kept

    def _lut(self, info: Record) -> NDArray[np.uint8]:
        """Raw value → the data set's id → merged id; made once a kind."""
        if 'seg_lut' in info:
            inner, key = info['seg_lut'], info['seg_lut'].tobytes()
        else:
            mapping = info.get('label_map') or {}
            reduce = bool(info.get('reduce_zero_label'))
            key = (reduce, tuple(mapping.items()))
            inner = None
        if key not in self._luts:
            if inner is None:
                inner = mmseg_lut(
                    len(self.spaces[SEG].sources), mapping, reduce,
                    getattr(self.dataset, 'ignore_index', IGNORE))
            self._luts[key] = self.merged_table(inner)
        return self._luts[key]


def mmseg_lut(num_classes: int,
              label_map: Mapping[int, int] | None = None,
              reduce_zero_label: bool = False,
              ignore_index: int = IGNORE) -> NDArray[np.uint8]:
    """What mmseg's ``LoadAnnotations`` does to a mask, as a table.

    First 0 → 255 and v → v − 1 (``reduce_zero_label``), then ``label_map``.

    Args:
        num_classes: Ids from here on are outside the label set.
        label_map: mmseg's: old id → new id, 255 for dropped classes.
        reduce_zero_label: mmseg's.
        ignore_index: Raw value that takes no part, as 255 does.

    Returns:
        (256,) uint8: raw value → class id, 255 or 254 (outside).

    Example:
        >>> mmseg_lut(2, reduce_zero_label=True)[[0, 1, 2, 3]].tolist()
        [255, 0, 1, 254]
    """
    table = np.full(256, INVALID, np.uint8)
    for raw in range(256):
        value = (raw or 256) - 1 if reduce_zero_label else raw
        if raw == IGNORE:
            value = IGNORE
        value = (label_map or {}).get(value, value)
        if value < num_classes or value == IGNORE:
            table[raw] = value
    if 0 <= ignore_index < 256:
        table[ignore_index] = IGNORE
    return table


def _is_mmseg(dataset: Any) -> bool:
    """Whether a data set, or what its wrappers hold, is one of mmseg's."""
    while not hasattr(dataset, 'reduce_zero_label'):
        inner = getattr(dataset, 'dataset', None)
        dataset = inner or (getattr(dataset, 'datasets', None) or [None])[0]
        if dataset is None:
            return False
    return True


def _build(cfg: Mapping[str, Any], tasks: Sequence[str]) -> Any:
    """Build without pipeline, an mmseg data set in mmseg's scope."""
    cfg = _bare(cfg, tasks)
    kind = cfg.get('type')
    if isinstance(kind, str) and '_scope_' not in cfg:
        prefix = kind.split('.')[0] if '.' in kind else None
        if prefix == 'mmseg' or (prefix is None and DET not in tasks):
            cfg['_scope_'] = 'mmseg'
        elif prefix is None and DefaultScope.get_current_instance() is None:
            cfg['_scope_'] = 'mmdet'
    try:
        return DATASETS.build(cfg)
    except FileNotFoundError as error:
        raise DataError(f'The data set {kind} lacks a file ({error}); mend '
                        f'its paths.') from error
    except ValueError as error:
        if 'need at least one array' not in str(error):
            raise
        raise DataError(_EMPTY.format(kind)) from error  # mmengine's words


def _bare(cfg: Mapping[str, Any], tasks: Sequence[str]) -> dict[str, Any]:
    """Empty ``pipeline``, in wrapped data sets, too.

    Where boxes are withheld they must not choose the images either: of
    ``filter_cfg`` only ``min_size``, which asks the image, stays.
    """
    bare = dict(cfg)
    if isinstance(bare.get('dataset'), Mapping):
        bare['dataset'] = _bare(bare['dataset'], tasks)
    elif isinstance(bare.get('datasets'), Sequence):
        bare['datasets'] = [_bare(one, tasks) for one in bare['datasets']]
    else:
        bare['pipeline'] = []
        if DET not in tasks and bare.get('filter_cfg'):
            bare['filter_cfg'] = {
                k: v
                for k, v in bare['filter_cfg'].items() if k == 'min_size'
            }
    return bare
