"""One reader per kind of labels."""
from .base import BoxLabels, LabelReader
from .boxes import BoxReader
from .classes import ClassReader
from .depth import DepthReader
from .masks import EdgeReader, SaliencyReader
from .normals import NormalReader

__all__ = [
    'BoxLabels', 'BoxReader', 'ClassReader', 'DepthReader', 'EdgeReader',
    'LabelReader', 'NormalReader', 'SaliencyReader'
]
