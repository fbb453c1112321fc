"""What travels through the house: task sets and data samples."""
from .annotated import (annotated_for, asked_boxes, joined_labels,
                        unasked_classes)
from .mask_files import check_class_count, write_index_mask
from .palette import voc_colour
from .sample import has_task, sem_seg_data
from .tasks import DET, SEG, parse_tasks

__all__ = [
    'DET', 'SEG', 'annotated_for', 'asked_boxes', 'check_class_count',
    'has_task', 'joined_labels', 'parse_tasks', 'sem_seg_data',
    'unasked_classes', 'voc_colour', 'write_index_mask'
]
