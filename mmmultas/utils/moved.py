"""Old import paths: they work for one release and say where to look."""
import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ['MovedModules', 'moved']


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


class MovedModules(MetaPathFinder, Loader):
    """Modules that are gone from a package, found under their old names.

    An old name gives an empty module whose names are looked up, with a
    warning, where they are now.

    Args:
        places: The modules that hold the content of each old one.
    """

    def __init__(self, places: Mapping[str, Sequence[str]]) -> None:
        self.places = places

    def install(self) -> None:
        """Ask here for what no other finder knows."""
        sys.meta_path.append(self)

    def find_spec(self,
                  fullname: str,
                  path: Sequence[str] | None = None,
                  target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a moved module; None for any other."""
        if fullname not in self.places:
            return None
        inside = any(old.startswith(f'{fullname}.') for old in self.places)
        return ModuleSpec(fullname, self, is_package=inside)

    def exec_module(self, module: ModuleType) -> None:
        """Let the empty module look up its names."""
        name = module.__name__
        vars(module)['__getattr__'] = moved(name, *self.places[name])
