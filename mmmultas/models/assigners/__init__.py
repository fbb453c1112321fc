"""Who learns which box."""
from .iou_matcher import AnchorTargets, IoUMatcher

__all__ = ['AnchorTargets', 'IoUMatcher']
