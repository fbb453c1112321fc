"""One writer of predicted maps per kind of labels."""
from .base import MapWriter
from .maps import ClassWriter, DepthWriter, NormalWriter, YesNoWriter

__all__ = [
    'ClassWriter', 'DepthWriter', 'MapWriter', 'NormalWriter', 'YesNoWriter'
]
