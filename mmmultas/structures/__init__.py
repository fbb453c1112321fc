"""What travels through the house: task sets and data samples."""
from .annotated import (annotated_for, asked_boxes, joined_labels,
                        unasked_classes)
from .kinds import (BOXES, CLASSES, DEPTH, EDGES, KINDS, NORMALS, SALIENCY,
                    canonical_name, check_name, field_of, gt_field,
                    ignored_field, kind_of, kinds_of, label_key, lost_field,
                    pred_field)
from .mask_files import check_class_count, write_index_mask
from .palette import voc_colour
from .sample import has_task, map_array, sem_seg_data, view_of
from .tasks import DET, SEG, parse_tasks

__all__ = [
    'BOXES', 'CLASSES', 'DEPTH', 'DET', 'EDGES', 'KINDS', 'NORMALS',
    'SALIENCY', 'SEG', 'annotated_for', 'asked_boxes', 'canonical_name',
    'check_class_count', 'check_name', 'field_of', 'gt_field', 'has_task',
    'ignored_field', 'joined_labels', 'kind_of', 'kinds_of', 'label_key',
    'lost_field', 'map_array', 'parse_tasks', 'pred_field', 'sem_seg_data',
    'unasked_classes', 'view_of', 'voc_colour', 'write_index_mask'
]
