"""mmdet's ``DetDataSample`` with the fields of two worlds."""
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from torch import Tensor

__all__ = ['has_task', 'sem_seg_data']


def has_task(sample: DetDataSample, task: str) -> bool:
    """Whether ``sample`` carries the label of ``task``.

    Reads the metainfo ``tasks`` alone: an empty ``gt_instances`` says "no
    boxes", a missing task says "not annotated" (DESIGN 2).
    """
    return task in sample.metainfo.get('tasks', ())


def sem_seg_data(labels: Tensor) -> PixelData:
    """Wrap an (H, W) or (1, H, W) label map under both of its names.

    mmseg's heads read ``.data``, mmdet's tools ``.sem_seg``; both are the
    same tensor.
    """
    data = PixelData(sem_seg=labels)
    data.data = data.sem_seg
    return data
