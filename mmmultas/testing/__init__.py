"""Toys for tests and for whoever tries an idea."""
from .toys import (ToyBackbone, ToyDataset, toy_batch, toy_config, toy_model,
                   toy_stream)

__all__ = [
    'ToyBackbone', 'ToyDataset', 'toy_batch', 'toy_config', 'toy_model',
    'toy_stream'
]
