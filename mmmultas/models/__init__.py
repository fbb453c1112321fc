"""The network: encoder, heads, losses, and one adapter per task."""
from .assigners import IoUMatcher
from .backbones import EfficientNetLite, NoPoolResNet, Pretrained
from .data_preprocessors import MultiTaskDataPreprocessor
from .heads import AnchorGrid, MultiLevelAnchorHead, PanopticFPNSegHead
from .losses import (BalancedL1Loss, CrossEntropyLoss, FocalLoss,
                     QualityFocalLoss)
from .multitask import MultiTaskDetSeg
from .necks import ContextFPN, ContextPAFPN
from .tasks import DetectionTask, SegmentationTask, Task

__all__ = [
    'AnchorGrid', 'BalancedL1Loss', 'ContextFPN', 'ContextPAFPN',
    'CrossEntropyLoss', 'DetectionTask', 'EfficientNetLite', 'FocalLoss',
    'IoUMatcher', 'MultiLevelAnchorHead', 'MultiTaskDataPreprocessor',
    'MultiTaskDetSeg', 'NoPoolResNet', 'PanopticFPNSegHead', 'Pretrained',
    'QualityFocalLoss', 'SegmentationTask', 'Task'
]
