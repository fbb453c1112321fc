"""Labels of further tasks that lie in folders beside the images."""
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmmultas.registry import READERS
from mmmultas.structures import (BOXES, CLASSES, DEPTH, DET, SEG, check_name,
                                 kind_of)
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.values import mapping_of

from .colours import ColourTable
from .label_map import IGNORE, LabelSpace
from .listing import list_files
from .mask_table import mask_table

__all__ = ['SUFFIXES', 'LabelFolder', 'label_folders']

#: Keys of an entry that are not the reader's.
_OWN = ('kind', 'root', 'suffix', 'unit')
_NAMED = ('kind', 'root', 'classes', 'palette', 'label_map')
_KEYS = {BOXES: _NAMED,
         CLASSES: (*_NAMED, 'suffix', 'mask_values', 'ignore_values')}
#: Types of files that maps are looked for in, in this order.
SUFFIXES = ('.png', '.npy', '.exr', '.tif', '.tiff')


@dataclass(frozen=True)
class LabelFolder:
    """One task's folder.

    Attributes:
        task: The task's name.
        kind: What its labels are.
        root: The folder.
        suffix: End of the files' names; found out where it is ''.
        source: What every record hands to the reader beside the path.
        table: The same, too large to be kept with every record.
        meta: What the data set's metainfo says of the task.
        space: The classes of boxes.
    """
    task: str
    kind: str
    root: str
    suffix: str
    source: Mapping[str, Any]
    table: Mapping[str, Any]
    meta: Mapping[str, Any]
    space: LabelSpace | None = None

    def files(self) -> dict[str, str]:
        """Name without suffix → file.

        Raises:
            DataError: No such folder, or none of its files is a label.
        """
        if not os.path.isdir(self.root):
            raise DataError(f'`labels.{self.task}.root` {self.root} is no '
                            'folder; mend the path.')
        if self.suffix:
            found, _ = list_files(self.root, self.suffix)
            if found:
                return found
        else:
            by_end = {end: files for end in SUFFIXES
                      if (files := list_files(self.root, end)[0])}
            if len(by_end) > 1:
                raise DataError(
                    f'`labels.{self.task}.root` {self.root} has files that '
                    f'end in {" and in ".join(by_end)}; say which by '
                    '`suffix`.')
            if by_end:
                return next(iter(by_end.values()))
        raise DataError(
            f'`labels.{self.task}.root` {self.root} has no file that ends in '
            f'{self.suffix or ", ".join(SUFFIXES)}; say its `suffix`.')

    def record(self, path: str) -> dict[str, Any]:
        """What a record says of this label."""
        return dict(self.source, path=path)


def label_folders(labels: Mapping[str, Mapping[str, Any]] | None
                  ) -> dict[str, LabelFolder]:
    """Read ``labels`` of a data set.

    Args:
        labels: Task → ``dict(kind='depth', root='depths', scale=0.001)``;
            ``suffix`` of the files, ``unit`` for tables and pictures, and
            what the reader of the kind takes. Of kind 'classes' also
            ``classes``, ``palette``, ``label_map``, ``mask_values`` and
            ``ignore_values``, as for 'seg'. Of kind 'boxes' ``root`` is a
            COCO json or a folder of XMLs, and ``classes``, ``palette`` and
            ``label_map`` are as for 'det'.

    Raises:
        ConfigError: An unknown kind, a task without a folder, or classes
            that are not named.
    """
    found = {}
    for task, entry in mapping_of('labels', labels or {}).items():
        key = f'`labels.{task}`'
        check_name(task, '`labels`')
        if task in (DET, SEG):
            where = dict(det='boxes', seg='masks')[task]
            raise ConfigError(f'{key}: labels of {task!r} have a key of '
                              f'their own, `{where}`; name them there.')
        entry = dict(mapping_of(f'labels.{task}', entry))
        kind = entry.get('kind') or kind_of(task)
        if READERS.get(kind) is None:
            raise ConfigError(
                f'{key} is of the kind {kind!r}, which nobody reads: have '
                f'{", ".join(sorted(READERS.module_dict))}.')
        if not isinstance(entry.get('root'), str | os.PathLike):
            raise ConfigError(f'{key} needs a `root`, the folder of its '
                              'files.')
        own = _KEYS.get(kind, _OWN)
        source = {k: v for k, v in entry.items() if k not in own}
        READERS.get(kind).check(key, source)
        meta: dict[str, Any] = dict(kind=kind)
        lut: dict[str, Any] = {}
        space = _space(key, kind, entry) if kind in _KEYS else None
        if space is not None:
            meta.update(space.metainfo())
        if space is not None and kind == CLASSES:
            lut = _table(space, entry)
        if entry.get('unit'):
            meta['unit'] = entry['unit']
        if kind == DEPTH and entry.get('scale'):
            meta['scale'] = entry['scale']  # predictions are written so, too
        found[task] = LabelFolder(task, kind, str(entry['root']),
                                  entry.get('suffix', ''), source, lut, meta,
                                  space)
    return found


def _space(key: str, kind: str, entry: Mapping[str, Any]) -> LabelSpace:
    names: Sequence[str] = entry.get('classes') or ()
    if not names:
        raise ConfigError(f'{key} is of the kind {kind!r} and needs '
                          '`classes=(…)`.')
    return LabelSpace.build(names, entry.get('palette'),
                            entry.get('label_map'))


def _table(space: LabelSpace, entry: Mapping[str, Any]) -> dict[str, Any]:
    lut = mask_table(space, entry.get('mask_values'),
                     entry.get('ignore_values', (IGNORE, )))
    return {'colours' if isinstance(lut, ColourTable) else 'lut': lut}
