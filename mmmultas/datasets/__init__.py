"""Records, transforms and samplers: from files to task-flagged samples."""
from .seeding import (EvalSampler, KeyedIndex, SeededDataset,
                      StreamBatchSampler)
from .voc import VOCDataset

__all__ = [
    'EvalSampler', 'KeyedIndex', 'SeededDataset', 'StreamBatchSampler',
    'VOCDataset'
]
