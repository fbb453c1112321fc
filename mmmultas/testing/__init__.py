"""Toys for tests and for whoever tries an idea."""
from .devkit import Devkit
from .toys import (ToyBackbone, ToyDataset, toy_batch, toy_config, toy_model,
                   toy_stream)

__all__ = [
    'Devkit', 'ToyBackbone', 'ToyDataset', 'toy_batch', 'toy_config',
    'toy_model', 'toy_stream'
]
