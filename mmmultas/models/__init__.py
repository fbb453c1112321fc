"""The network: encoder, heads, losses, and one adapter per task."""
from .assigners import IoUMatcher
from .backbones import EfficientNetLite, NoPoolResNet, Pretrained
from .data_preprocessors import MultiTaskDataPreprocessor
from .distillers import (IdentityConnector, LevelProjection,
                         MultiTeacherDistill)
from .heads import (AnchorGrid, CAMHead, DenseHead, MultiLevelAnchorHead,
                    PanopticFPNSegHead)
from .losses import (BalancedL1Loss, CrossEntropyLoss, DeFeat, DistillLoss,
                     FeatureMSE, FocalLoss, PDFDistill, QualityFocalLoss,
                     SegmentationKL, SoftDetection)
from .multitask import CAMClassifier, MultiTaskDetSeg
from .necks import ContextFPN, ContextPAFPN
from .tasks import DetectionTask, SegmentationTask, Task

__all__ = [
    'AnchorGrid', 'BalancedL1Loss', 'CAMClassifier', 'CAMHead',
    'ContextFPN', 'ContextPAFPN',
    'CrossEntropyLoss', 'DeFeat', 'DenseHead', 'DetectionTask', 'DistillLoss',
    'EfficientNetLite', 'FeatureMSE', 'FocalLoss', 'IdentityConnector',
    'IoUMatcher', 'LevelProjection', 'MultiLevelAnchorHead',
    'MultiTaskDataPreprocessor', 'MultiTaskDetSeg', 'MultiTeacherDistill',
    'NoPoolResNet', 'PDFDistill', 'PanopticFPNSegHead', 'Pretrained',
    'QualityFocalLoss', 'SegmentationKL', 'SegmentationTask',
    'SoftDetection', 'Task'
]
