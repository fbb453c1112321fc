"""Pictures of boxes and masks."""
from .visualizer import MultiTaskVisualizer

__all__ = ['MultiTaskVisualizer']
