"""How much each task's loss weighs."""
from .base import Balancer
from .fixed import Fixed

__all__ = ['Balancer', 'Fixed']
