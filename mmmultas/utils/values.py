"""Values of a config, or a sentence that names their key."""
import reprlib
import sys
from collections.abc import Mapping
from typing import Any

from .errors import ConfigError

__all__ = ['mapping_of', 'number_of']


def mapping_of(key: str, value: Any) -> Mapping[str, Any]:
    """The value of a config key that must hold a mapping of names.

    Example:
        >>> mapping_of('model.distiller', dict(connectors=None))
        {'connectors': None}

    Raises:
        ConfigError: It is something else.
    """
    if not isinstance(value, Mapping) or not all(
            isinstance(name, str) for name in value):
        raise ConfigError(f'`{key}` must be a mapping of names (a dict), got '
                          f'{reprlib.repr(value)}.')
    return value


def number_of(what: str, value: Any, stop: float | None = None) -> Any:
    """A value that must be a finite number, 0 or more.

    Args:
        what: How a sentence calls it, such as the key in backticks.
        value: What the config says.
        stop: The largest one allowed, if not any.

    Example:
        >>> number_of('`model.distiller.weight`', 0.5)
        0.5

    Raises:
        ConfigError: It is something else; ``True`` is no number.
    """
    largest = sys.float_info.max if stop is None else stop
    if isinstance(value, int | float) and not isinstance(
            value, bool) and 0 <= value <= largest:
        return value
    asked = ('a finite number, 0 or more' if stop is None else
             f'a number, 0 or more and {stop:g} or less')
    raise ConfigError(f'{what} must be {asked}, got {reprlib.repr(value)}.')
