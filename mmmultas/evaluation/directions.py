"""Whether a metric is to be high or low, by its name alone."""
from mmmultas.registry import METRICS

__all__ = ['is_lower_better']

_LOWER = ('err', 'loss', 'rmse', 'mae', 'abs_rel')


def is_lower_better(metric: str) -> bool:
    """Whether a metric counts mistakes.

    What a registered metric declares (``lower_is_better``) holds; of others
    the name tells.

    Example:
        >>> is_lower_better('depth/error'), is_lower_better('seg/mIoU')
        (True, False)
    """
    name = metric.partition('/')[2] or metric
    for kind in METRICS.module_dict.values():
        if name in getattr(kind, 'lower_is_better', ()):
            return True
        if name in getattr(kind, 'higher_is_better', ()):
            return False
    return any(word in name.lower() for word in _LOWER)
