"""Joint transforms of image, boxes and mask, with or without either label."""
from .filters import (ColourCast, LocalContrast, RandomBlur, RandomGamma,
                      RandomGrey)
from .geometry import CropExpand, RandomFlip, ScaleCrop, Squash
from .loading import LoadImage, LoadLabels
from .packing import PackInputs
from .photometry import PhotometricJitter
from .turn import RandomTurn
from .views import KeepTeacherView, TeacherView
from .zoom import SecondView, ZoomCrop

__all__ = [
    'ColourCast', 'CropExpand', 'KeepTeacherView', 'LoadImage', 'LoadLabels',
    'LocalContrast', 'PackInputs', 'PhotometricJitter', 'RandomBlur',
    'RandomFlip', 'RandomGamma', 'RandomGrey', 'RandomTurn', 'ScaleCrop',
    'SecondView', 'Squash', 'TeacherView', 'ZoomCrop'
]
