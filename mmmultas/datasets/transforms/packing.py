"""One packer: what leaves a worker is uint8, with the labels that exist."""
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.registry import TRANSFORMS
from mmmultas.structures import DET, SEG, sem_seg_data
from mmmultas.utils.errors import ConfigError

__all__ = ['PackInputs']


@TRANSFORMS.register_module()
class PackInputs(BaseTransform):
    """Pack ``img`` and the labels that ``tasks`` names.

    ``inputs``: uint8 (3, H, W), BGR. ``data_samples``: a DetDataSample with
    ``gt_instances`` and ``ignored_instances`` (bboxes (M, 4), labels) only
    if 'det' is in ``tasks``, and ``gt_sem_seg`` (uint8, (1, H, W)) only if
    'seg' is. Absence means "not annotated".

    Args:
        meta_keys: What of the results goes along as metainfo; ``tasks``,
            ``annotated`` (the classes that somebody looked for), ``exif``
            (how the picture was read) and ``crowds`` (whether boxes to be
            ignored are COCO's crowds) always do.
    """

    #: Tasks whose labels are packed.
    packs: tuple[str, ...] = (DET, SEG)

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
        self._check(tasks)
        always = ('annotated', 'exif', 'crowds')
        meta = {k: results[k] for k in (*self.meta_keys, *always)
                if k in results}
        sample = DetDataSample(metainfo={**meta, 'tasks': tasks})
        if DET in tasks:
            ignored = torch.from_numpy(results['gt_ignore_flags'])
            sample.gt_instances = _instances(results, ~ignored)
            sample.ignored_instances = _instances(results, ignored)
        if SEG in tasks:
            mask = np.ascontiguousarray(results['gt_seg_map'][None])
            sample.gt_sem_seg = sem_seg_data(torch.from_numpy(mask))
        # OpenCV takes channels apart faster than a transposed copy
        planes = np.stack(cv2.split(results['img']))
        return {'inputs': torch.from_numpy(planes), 'data_samples': sample}


    def _check(self, tasks: Sequence[str]) -> None:
        """A label that is announced and not packed would be lost.

        Raises:
            ConfigError: A task of another kind; a child of this class packs
                its label and names it in ``packs``.
        """
        others = [task for task in tasks if task not in self.packs]
        if others:
            raise ConfigError(
                f'PackInputs packs {self.packs}, but `tasks` has '
                f'{others[0]!r}: derive a packer that packs it and names it '
                'in `packs` (docs/add_a_task.md).')


def _instances(results: dict[str, Any], keep: torch.Tensor) -> InstanceData:
    boxes = results['gt_bboxes']
    boxes = getattr(boxes, 'tensor', boxes)
    labels = torch.from_numpy(results['gt_bboxes_labels'])
    return InstanceData(bboxes=boxes[keep], labels=labels[keep])
