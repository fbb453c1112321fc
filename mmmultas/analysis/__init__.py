"""What saved predictions, logs and models tell: errors, curves, CAMs."""
from .browse import browse_streams, contact_sheet, shown_samples
from .complexity import complexity_table, model_complexity

__all__ = [
    'browse_streams', 'complexity_table', 'contact_sheet', 'model_complexity',
    'shown_samples'
]
