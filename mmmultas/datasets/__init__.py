"""Records, transforms and samplers: from files to task-flagged samples."""
from .folder import FolderDataset
from .partial import PartialDataset
from .seeding import (EvalSampler, KeyedIndex, SeededDataset,
                      StreamBatchSampler)
from .transforms import (CropExpand, LoadImage, LoadLabels, PackInputs,
                         PhotometricJitter, RandomFlip, Squash)
from .voc import VOCDataset

__all__ = [
    'CropExpand', 'EvalSampler', 'FolderDataset', 'KeyedIndex', 'LoadImage',
    'LoadLabels', 'PackInputs', 'PartialDataset', 'PhotometricJitter',
    'RandomFlip', 'SeededDataset', 'Squash', 'StreamBatchSampler',
    'VOCDataset'
]
