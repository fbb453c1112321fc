"""Hides the compiled operators of mmcv, for processes of tests.

    import without_operators  # first of all

Or, for all of pytest, `-p without_operators` with `tests` in PYTHONPATH.
"""
import sys
from importlib.machinery import PathFinder


class WithoutOperators(PathFinder):
    """Finds all but one module on the path."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname == 'mmcv._ext':
            return None
        return super().find_spec(fullname, path, target)


sys.meta_path[:] = [
    WithoutOperators if finder is PathFinder else finder
    for finder in sys.meta_path
]
