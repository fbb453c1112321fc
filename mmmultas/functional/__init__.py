"""Pure maths: tensors or arrays in, the same out."""
from .average_precision import (average_precision, best_overlaps,
                                detection_ap, mark_hits, voc_overlaps)
from .confusion import confusion_counts, nearest_resize, segmentation_scores

__all__ = [
    'average_precision', 'best_overlaps', 'confusion_counts', 'detection_ap',
    'mark_hits', 'nearest_resize', 'segmentation_scores', 'voc_overlaps'
]
