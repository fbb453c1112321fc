"""Detection and segmentation in one network from half-labelled data."""
from .version import __version__

__all__ = ['__version__']
