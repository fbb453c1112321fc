"""From maps of two tasks to the space in which they are compared."""
from .base import PairMapping
from .resnet import ResNetMapping
from .segnet import SegNetMapping

__all__ = ['PairMapping', 'ResNetMapping', 'SegNetMapping']
