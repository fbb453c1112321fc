"""Batches as the workers send them, made ready for the network."""
from .multi_task import MultiTaskDataPreprocessor

__all__ = ['MultiTaskDataPreprocessor']
