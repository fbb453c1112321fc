"""The model."""
from .det_seg import MultiTaskDetSeg

__all__ = ['MultiTaskDetSeg']
