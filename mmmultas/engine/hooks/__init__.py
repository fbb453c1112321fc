"""Hooks; what they remember is in the checkpoint or derived."""
from .checkpoint import CheckpointHook
from .company import CompanyHook
from .early_stopping import EarlyStoppingHook
from .gradient_conflict import GradientConflictHook
from .multi_scale import MultiScaleHook
from .predictions import PictureHook, PredictionHook
from .validation_pictures import ValidationPictureHook

__all__ = [
    'CheckpointHook', 'CompanyHook', 'EarlyStoppingHook',
    'GradientConflictHook', 'MultiScaleHook', 'PictureHook', 'PredictionHook',
    'ValidationPictureHook'
]
