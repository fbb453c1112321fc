"""NYUv2 and Cityscapes as MTAN's authors prepared them: one .npy per label.

``{train,val}/{image,label,depth,normal}/{i}.npy`` with i = 0, 1, 2, ...
(SPEC-MTPSL 1). Images are RGB in [0, 1], classes begin at 0 and -1 is
invalid, depth is in metres (NYUv2) or a disparity (Cityscapes), 0 is invalid.
"""
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset

from mmmultas.registry import DATASETS, TRANSFORMS
from mmmultas.structures import CLASSES, kind_of
from mmmultas.utils.errors import ConfigError, DataError

from .label_map import LabelSpace
from .readers.base import read_values
from .regimes import LabelRegime
from .voc import check_tasks

__all__ = ['LoadArrayImage', 'MTANDataset']

#: Task → folder.
FOLDERS = dict(seg='label', depth='depth', normals='normal')


@TRANSFORMS.register_module()
class LoadArrayImage(BaseTransform):
    """Read ``img_path``, a .npy of (H, W, 3) RGB in [0, 1], as 8-bit BGR.

    Sets ``img``, ``img_shape`` and ``ori_shape`` (h, w), as
    :class:`~mmmultas.datasets.transforms.loading.LoadImage`.

    Raises:
        DataError: Missing, broken, or of another shape or range.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the picture to ``results``."""
        path = results['img_path']
        values = read_values(path)
        if values.ndim != 3 or values.shape[2] != 3:
            raise DataError(f'{path} has shape {values.shape}; an image is '
                            '(H, W, 3).')
        if not (values.min() >= 0 and values.max() <= 1):
            raise DataError(f'{path} holds {values.min():g} to '
                            f'{values.max():g}; an image lies in [0, 1].')
        levels = np.rint(values[..., ::-1] * 255).astype(np.uint8)
        results['img'] = np.ascontiguousarray(levels)
        results['img_shape'] = results['ori_shape'] = values.shape[:2]
        results['exif'] = True
        return results


@DATASETS.register_module()
class MTANDataset(BaseDataset):
    """Images with the labels of ``tasks``, by number.

    Args:
        data_root: Folder that holds ``train`` and ``val``.
        part: ``'train'`` or ``'val'``.
        tasks: Of 'seg', 'depth' and 'normals', in the order that decides
            where a regime gives what is left over.
        folders: Task → folder, where it is another one:
            ``dict(seg='label_7')`` of Cityscapes.
        classes: Names of the classes of 'seg'; 13 numbers by default.
        regime: Which labels each image keeps: arguments of
            :class:`~mmmultas.datasets.regimes.LabelRegime`.
        unit: Of depth, for tables and pictures.
        pipeline: Transforms; they begin with :class:`LoadArrayImage`.
        test_mode: As in mmengine's ``BaseDataset``.
        indices: Likewise.
        lazy_init: Likewise.

    Raises:
        ConfigError: An unknown part, task or folder.
        DataError: A folder without images, or a label that is missing.
    """

    def __init__(self,
                 data_root: str,
                 part: str,
                 tasks: str | Sequence[str] = tuple(FOLDERS),
                 *,
                 folders: Mapping[str, str] | None = None,
                 classes: Sequence[str] | None = None,
                 regime: Mapping[str, Any] | None = None,
                 unit: str = 'm',
                 pipeline: Sequence[Any] = (),
                 test_mode: bool = False,
                 indices: int | Sequence[int] | None = None,
                 lazy_init: bool = False) -> None:
        if part not in ('train', 'val'):
            raise ConfigError(f"`part` is 'train' or 'val', not {part!r}.")
        self.tasks = check_tasks(tasks, FOLDERS)
        unknown = sorted(set(folders or {}) - set(FOLDERS))
        if unknown:
            raise ConfigError(f'`folders` names {unknown[0]!r}; have '
                              f'{", ".join(FOLDERS)}.')
        self.folders = {**FOLDERS, **(folders or {})}
        self.place = Path(data_root) / part
        self.regime = LabelRegime.build(regime)
        check_tasks(self.regime.among(self.tasks), FOLDERS)
        self.space = LabelSpace.build(
            classes or [f'class {i}' for i in range(13)])
        meta: dict[str, Any] = dict(
            seg=self.space.metainfo(),
            depth=dict(kind='depth', unit=unit),
            normals=dict(kind='normals'))
        super().__init__(
            metainfo=dict(tasks=self.tasks,
                          **{task: meta[task] for task in self.tasks}),
            pipeline=list(pipeline),
            test_mode=test_mode,
            indices=indices,
            lazy_init=lazy_init)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Number the images; a label that is kept must be there."""
        images = self.place / 'image'
        names = sorted((path.stem for path in images.glob('*.npy')
                        if path.stem.isdigit()), key=int)
        if not names:
            raise DataError(f'{images} has no 0.npy, 1.npy, ...; mend '
                            '`data_root` and `part`.')
        kept = self.regime(names, self.tasks)
        return [self._record(name, tasks) for name, tasks in kept.items()]

    def _record(self, name: str, tasks: tuple[str, ...]) -> dict[str, Any]:
        labels = {task: dict(path=str(
            self.place / self.folders[task] / f'{name}.npy'))
                  for task in tasks}
        for source in labels.values():
            if not Path(source['path']).is_file():
                raise DataError(f'{source["path"]} is missing; add it, or '
                                'take its task out of `tasks`.')
        return dict(
            img_path=str(self.place / 'image' / f'{name}.npy'),
            img_id=int(name), tasks=tasks, labels=labels)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """The record of image ``idx``, with the table of its classes."""
        info: dict[str, Any] = super().get_data_info(idx)
        for task, source in info['labels'].items():
            if kind_of(task) == CLASSES:
                source['lut'] = self.space.lut()
        return info
