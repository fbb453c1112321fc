"""Small helpers that know nothing of the rooms above them."""
from .errors import CheckpointError, ConfigError, DataError, UserError

__all__ = ['CheckpointError', 'ConfigError', 'DataError', 'UserError']
