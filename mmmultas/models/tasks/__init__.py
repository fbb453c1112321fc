"""One adapter per kind of labels."""
from .base import Read, Task, pooled
from .dense import (DenseTask, DepthTask, EdgeTask, NormalTask,
                    SaliencyTask)
from .detection import DetectionTask
from .segmentation import SegmentationTask

__all__ = [
    'DenseTask', 'DepthTask', 'DetectionTask', 'EdgeTask', 'NormalTask',
    'Read', 'SaliencyTask', 'SegmentationTask', 'Task', 'pooled'
]
