"""What travels through the house: task sets and data samples."""
from .mask_files import check_class_count, write_index_mask
from .palette import voc_colour
from .sample import has_task, sem_seg_data
from .tasks import DET, SEG, parse_tasks

__all__ = [
    'DET', 'SEG', 'check_class_count', 'has_task', 'parse_tasks',
    'sem_seg_data', 'voc_colour', 'write_index_mask'
]
