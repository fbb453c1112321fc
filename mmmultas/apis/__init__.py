"""What a tool or a notebook calls."""
from .browse import browse_streams, contact_sheet, shown_samples
from .complexity import complexity_table, model_complexity
from .inferencer import MultiTaskInferencer

__all__ = [
    'MultiTaskInferencer', 'browse_streams', 'complexity_table',
    'contact_sheet', 'model_complexity', 'shown_samples'
]
