"""One adapter per kind of labels."""
from .base import Read, Task, pooled
from .detection import DetectionTask
from .segmentation import SegmentationTask

__all__ = ['DetectionTask', 'Read', 'SegmentationTask', 'Task', 'pooled']
