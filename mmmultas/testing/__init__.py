"""Toys for tests and for whoever tries an idea."""
from .devkit import Devkit
from .shapes import SHAPES, ShapeFolder
from .toys import (ToyBackbone, ToyDataset, toy_batch, toy_config,
                   toy_distillation, toy_model, toy_stream,
                   toy_weak_losses)

__all__ = [
    'SHAPES', 'Devkit', 'ShapeFolder', 'ToyBackbone', 'ToyDataset',
    'toy_batch', 'toy_config', 'toy_distillation', 'toy_model', 'toy_stream',
    'toy_weak_losses'
]
