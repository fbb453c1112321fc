"""One packer: what leaves a worker, with the labels that exist."""
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData
from numpy.typing import NDArray

from mmmultas.registry import TRANSFORMS
from mmmultas.structures import (BOXES, CLASSES, DET, gt_field, ignored_field,
                                 kind_of, label_key, lost_field, sem_seg_data)
from mmmultas.utils.errors import ConfigError

from .labels import BoxLabels, kind_in

__all__ = ['PackInputs']


@TRANSFORMS.register_module()
class PackInputs(BaseTransform):
    """Pack ``img`` and the labels that ``tasks`` names.

    ``inputs``: uint8 (3, H, W), BGR. ``data_samples``: a DetDataSample with
    ``gt_instances`` and ``ignored_instances`` (bboxes (M, 4), labels) only
    if 'det' is in ``tasks``, ``gt_sem_seg`` (uint8, (1, H, W)) only if 'seg'
    is, and ``gt_<task>`` of any other task: instances, or ``data`` (C, H, W)
    of the map's own type. Absence means "not annotated".
    ``teacher_view`` is the image that a teacher sees, where there is one, and
    the metainfo ``from_teacher`` the nine numbers of the matrix that leads
    from it to the input. ``lost_instances`` are boxes that a crop dropped and
    that are partly in view, where there was a crop. ``second_view`` is the
    sample of another view of the image (:class:`SecondView`), its picture as
    ``image`` and the matrix that leads from the first to it as
    ``from_first``.

    Args:
        meta_keys: What of the results goes along as metainfo; ``tasks``,
            ``kinds`` (what labels are, where the names of tasks do not tell),
            ``annotated`` (the classes that somebody looked for), ``exif``
            (how the picture was read), ``crowds`` (whether boxes to be
            ignored are COCO's crowds) and ``visible`` (the rectangle of a
            crop that shows the picture) always do.
    """

    #: Tasks that a child of this class packs by itself.
    packs: tuple[str, ...] = ()

    def __init__(
        self,
        meta_keys: Sequence[str] = ('img_id', 'img_path', 'ori_shape',
                                    'img_shape', 'scale_factor', 'flip',
                                    'flip_direction')
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack one sample."""
        tasks = results['tasks']
        always = ('annotated', 'exif', 'crowds', 'visible')
        meta = {k: results[k] for k in (*self.meta_keys, *always)
                if k in results}
        kinds = {task: kind_in(results, task) for task in tasks}
        kinds = {t: kind for t, kind in kinds.items() if kind != kind_of(t)}
        if kinds:
            meta['kinds'] = kinds
        sample = DetDataSample(metainfo={**meta, 'tasks': tasks})
        for task in tasks:
            if task in self.packs and label_key(task) not in results:
                continue
            self._pack(sample, results, task)
        if 'teacher_img' in results:
            sample.teacher_view = PixelData(
                data=_planes(results['teacher_img']))
            matrix = results['from_teacher']
            sample.set_metainfo(dict(from_teacher=tuple(
                float(x) for x in matrix.flatten())))
        if 'second_view' in results:
            sample.second_view = self._second(results['second_view'])
        return {'inputs': _planes(results['img']), 'data_samples': sample}

    def _second(self, results: dict[str, Any]) -> DetDataSample:
        """A second view as a sample that holds its image."""
        packed = self.transform(results)
        sample: DetDataSample = packed['data_samples']
        sample.image = PixelData(data=packed['inputs'])
        sample.set_metainfo(dict(
            supervised=results['supervised'],
            nearer=float(results.get('nearer', 1.)),
            from_first=tuple(float(x)
                             for x in results['from_first'].flatten())))
        return sample

    def _pack(self, sample: DetDataSample, results: dict[str, Any],
              task: str) -> None:
        """Add the label of a task.

        Raises:
            ConfigError: It is announced and nobody has loaded it.
        """
        if label_key(task) not in results:
            raise ConfigError(
                f'`tasks` of {results.get("img_path", "a sample")} has '
                f'{task!r}, but the results have no `{label_key(task)}`: '
                "place dict(type='mmmultas.LoadLabels') in the pipeline.")
        kind = kind_in(results, task)
        if kind == BOXES:
            boxes, labels, ignored = _boxes_of(results, task)
            setattr(sample, gt_field(task),
                    InstanceData(bboxes=boxes[~ignored],
                                 labels=labels[~ignored]))
            setattr(sample, ignored_field(task),
                    InstanceData(bboxes=boxes[ignored],
                                 labels=labels[ignored]))
            lost = (results.get('lost') or {}).get(task)
            if lost is not None:
                setattr(sample, lost_field(task),
                        InstanceData(bboxes=torch.from_numpy(lost.bboxes),
                                     labels=torch.from_numpy(lost.labels)))
            return
        values = _planes(results[label_key(task)])
        setattr(sample, gt_field(task), sem_seg_data(values)
                if kind == CLASSES else PixelData(data=values))


def _planes(values: NDArray[Any]) -> torch.Tensor:
    """(H, W) or (H, W, C) as (C, H, W)."""
    if values.ndim == 2:
        return torch.from_numpy(np.ascontiguousarray(values[None]))
    # OpenCV takes channels apart faster than a transposed copy
    return torch.from_numpy(np.stack(cv2.split(values)))


def _boxes_of(results: dict[str, Any], task: str) -> tuple[torch.Tensor, ...]:
    if task != DET:
        found: BoxLabels = results[label_key(task)]
        return (torch.from_numpy(found.bboxes),
                torch.from_numpy(found.labels),
                torch.from_numpy(found.ignored))
    boxes = results['gt_bboxes']
    return (getattr(boxes, 'tensor', boxes),
            torch.from_numpy(results['gt_bboxes_labels']),
            torch.from_numpy(results['gt_ignore_flags']))
