"""Joint transforms of image, boxes and mask, with or without either label."""
from .filters import ColourCast, LocalContrast, RandomBlur, RandomGamma
from .geometry import CropExpand, RandomFlip, Squash
from .loading import LoadImage, LoadLabels
from .packing import PackInputs
from .photometry import PhotometricJitter

__all__ = [
    'ColourCast', 'CropExpand', 'LoadImage', 'LoadLabels', 'LocalContrast',
    'PackInputs', 'PhotometricJitter', 'RandomBlur', 'RandomFlip',
    'RandomGamma', 'Squash'
]
