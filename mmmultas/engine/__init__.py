"""Streams, loops, runner and hooks: when what happens."""
from .hooks import CheckpointHook, EarlyStoppingHook, MultiScaleHook
from .runner import MultiTaskRunner
from .schedulers import WarmupCosineLR
from .train_loop import MultiTaskTrainLoop
from .val_loop import MultiTaskTestLoop, MultiTaskValLoop

__all__ = [
    'CheckpointHook', 'EarlyStoppingHook', 'MultiScaleHook',
    'MultiTaskRunner', 'MultiTaskTestLoop', 'MultiTaskTrainLoop',
    'MultiTaskValLoop', 'WarmupCosineLR'
]
