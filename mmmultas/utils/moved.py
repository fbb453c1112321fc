"""Old import paths: they work for one release and say where to look."""
import importlib
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ['moved']


def moved(old: str, *new: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that looks names up in its new place.

    Args:
        old: The module that is left empty, ``__name__``.
        new: Modules where its content is now.

    Returns:
        A function that warns and hands the attribute over.
    """

    def attribute(name: str) -> Any:
        for place in new if not name.startswith('__') else ():
            module = importlib.import_module(place)
            if hasattr(module, name):
                warnings.warn(
                    f'{old} has moved: import {name} from {place}.',
                    DeprecationWarning,
                    stacklevel=2)
                return getattr(module, name)
        raise AttributeError(f'module {old!r} has no attribute {name!r}')

    return attribute
