"""What accompanies a network while it learns."""
from .base import Asked, Companion, Update

__all__ = ['Asked', 'Companion', 'Update']
