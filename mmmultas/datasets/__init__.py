"""Records, transforms and samplers: from files to task-flagged samples."""
from .folder import FolderDataset
from .mtan import LoadArrayImage, MTANDataset
from .partial import PartialDataset
from .seeding import (EvalSampler, KeyedIndex, SeededDataset,
                      StreamBatchSampler)
from .transforms import (ColourCast, CropExpand, LoadImage, LoadLabels,
                         LocalContrast, PackInputs, PhotometricJitter,
                         RandomBlur, RandomFlip, RandomGamma, Squash)
from .voc import VOCDataset

__all__ = [
    'ColourCast', 'CropExpand', 'EvalSampler', 'FolderDataset', 'KeyedIndex',
    'LoadArrayImage', 'LoadImage', 'LoadLabels', 'LocalContrast',
    'MTANDataset', 'PackInputs', 'PartialDataset', 'PhotometricJitter',
    'RandomBlur', 'RandomFlip', 'RandomGamma', 'SeededDataset', 'Squash',
    'StreamBatchSampler', 'VOCDataset'
]
