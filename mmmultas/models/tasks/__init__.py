"""One adapter per task."""
from .base import Group, Task
from .detection import DetectionTask
from .segmentation import SegmentationTask

__all__ = ['DetectionTask', 'Group', 'SegmentationTask', 'Task']
