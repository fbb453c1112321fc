"""Streams, loops, runner and hooks: when what happens."""
from .hooks import CheckpointHook, EarlyStoppingHook, MultiScaleHook
from .optim import BFloat16OptimWrapper
from .runner import MultiTaskRunner
from .schedulers import PolyRestartLR, WarmupCosineLR
from .train_loop import MultiTaskTrainLoop
from .val_loop import MultiTaskTestLoop, MultiTaskValLoop

__all__ = [
    'BFloat16OptimWrapper', 'CheckpointHook', 'EarlyStoppingHook',
    'MultiScaleHook', 'MultiTaskRunner', 'MultiTaskTestLoop',
    'MultiTaskTrainLoop', 'MultiTaskValLoop', 'PolyRestartLR',
    'WarmupCosineLR'
]
