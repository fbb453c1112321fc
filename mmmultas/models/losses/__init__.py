"""Losses that know their sum and their count."""
from .detection import BalancedL1Loss, FocalLoss, QualityFocalLoss
from .loss_sum import LossSum
from .segmentation import CrossEntropyLoss

__all__ = [
    'BalancedL1Loss', 'CrossEntropyLoss', 'FocalLoss', 'LossSum',
    'QualityFocalLoss'
]
