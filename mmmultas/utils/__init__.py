"""Small helpers that know nothing of the rooms above them.

Names are looked up when they are asked for: where PyTorch or MMEngine is
missing or broken, ``python -m mmmultas.utils.collect_env`` still says so.
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, ConfigError, DataError, UserError

if TYPE_CHECKING:
    from .checkpoint import (atomic_path, find_weights, load_file,
                             load_weights, state_dict_of)
    from .setup_env import register_all_modules

__all__ = [
    'CheckpointError', 'ConfigError', 'DataError', 'UserError', 'atomic_path',
    'find_weights', 'load_file', 'load_weights', 'register_all_modules',
    'state_dict_of'
]

_PLACES = dict(
    atomic_path='checkpoint',
    find_weights='checkpoint',
    load_file='checkpoint',
    load_weights='checkpoint',
    register_all_modules='setup_env',
    state_dict_of='checkpoint')


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'{__name__}.{_PLACES[name]}'), name)
