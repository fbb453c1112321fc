"""Old import paths: they work for one release and say where to look."""
import importlib
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ['moved']


def moved(old: str, new: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that looks names up in its new place.

    Args:
        old: The module that is left empty, ``__name__``.
        new: Where its content is now.

    Returns:
        A function that warns and hands the attribute over.
    """

    def attribute(name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(f'module {old!r} has no attribute {name!r}')
        warnings.warn(
            f'{old} has moved: import {name} from {new}.',
            DeprecationWarning,
            stacklevel=2)
        return getattr(importlib.import_module(new), name)

    return attribute
