"""Joint transforms of image, boxes and mask, with or without either label."""
from .geometry import CropExpand, RandomFlip, Squash
from .loading import LoadImage, LoadLabels
from .packing import PackInputs
from .photometry import PhotometricJitter

__all__ = [
    'CropExpand', 'LoadImage', 'LoadLabels', 'PackInputs',
    'PhotometricJitter', 'RandomFlip', 'Squash'
]
