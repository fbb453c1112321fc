"""One painter per kind of labels."""
from .base import Painter
from .boxes import BoxPainter
from .classes import ClassPainter
from .depth import DepthPainter
from .masks import YesNoPainter
from .normals import NormalPainter

__all__ = [
    'BoxPainter', 'ClassPainter', 'DepthPainter', 'NormalPainter', 'Painter',
    'YesNoPainter'
]
