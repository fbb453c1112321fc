"""Losses that know their sum and their count."""
from .detection import BalancedL1Loss, FocalLoss, QualityFocalLoss
from .distillation import (DeFeat, DistillLoss, FeatureMSE, PDFDistill,
                           SegmentationKL, SoftDetection)
from .loss_sum import LossSum, SumLoss
from .segmentation import CrossEntropyLoss

__all__ = [
    'BalancedL1Loss', 'CrossEntropyLoss', 'DeFeat', 'DistillLoss',
    'FeatureMSE', 'FocalLoss', 'LossSum', 'PDFDistill', 'QualityFocalLoss',
    'SegmentationKL', 'SoftDetection', 'SumLoss'
]
