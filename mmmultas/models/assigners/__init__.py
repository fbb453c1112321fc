"""Who learns which box."""
from .iou_matcher import AnchorTargets, IoUMatcher
from .mutual_guide_matcher import MutualGuideMatcher

__all__ = ['AnchorTargets', 'IoUMatcher', 'MutualGuideMatcher']
