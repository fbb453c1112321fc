"""The model."""
from .cam_classifier import CAMClassifier
from .det_seg import MultiTaskDetSeg

__all__ = ['CAMClassifier', 'MultiTaskDetSeg']
