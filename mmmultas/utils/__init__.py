"""Small helpers that know nothing of the rooms above them."""
from .checkpoint import (atomic_path, find_weights, load_file, load_weights,
                         state_dict_of)
from .errors import CheckpointError, ConfigError, DataError, UserError

__all__ = [
    'CheckpointError', 'ConfigError', 'DataError', 'UserError', 'atomic_path',
    'find_weights', 'load_file', 'load_weights', 'state_dict_of'
]
