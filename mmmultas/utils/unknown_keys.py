"""What a registry built, and which of its keys nobody knows."""
import difflib
import inspect
import re
from types import FrameType
from typing import Any

__all__ = ['unknown_key']

_MEND = 'mend its name in the config, or remove it.'
_WORDS = re.compile(
    r"(?:(\w+)\(\) )?got an unexpected keyword argument '(\w+)'")


def unknown_key(error: BaseException) -> tuple[str, str, str] | None:
    """Whose key nobody knows, the key, and what to do.

    Args:
        error: An error of a call whose arguments come from a config.

    Returns:
        Name of the class, key, and what to do; None for an error that no
        config makes.
    """
    found = _WORDS.search(str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return None
    key = found[2]
    if str(found[1]).startswith('set_'):  # set_randomness(**randomness)
        return f'`{found[1][4:]}`', key, _MEND
    kind = _built(error)
    if kind is None:
        return None
    near = difflib.get_close_matches(key, _names(kind), 1)
    return kind.__name__, key, (
        f'did you mean {near[0]!r}?' if near else _MEND)


def _built(error: BaseException) -> Any:
    """The innermost class that a registry was building.

    MMEngine raises errors of hooks anew; the first one is their context.
    """
    kind, step = None, error.__traceback__
    while step is not None:
        frame: FrameType = step.tb_frame
        if frame.f_code.co_name == 'build_from_cfg':
            kind = frame.f_locals.get('obj_cls', kind)
        step = step.tb_next
    if kind is None and error.__context__ is not None:
        return _built(error.__context__)
    return kind if isinstance(kind, type) else None


def _names(kind: type) -> list[str]:
    """Arguments of a class and of those that it passes others on to."""
    found: dict[str, None] = {}
    for parent in kind.__mro__:
        init = vars(parent).get('__init__')
        if inspect.isfunction(init):
            found.update(dict.fromkeys(inspect.signature(init).parameters))
    return [name for name in found if name not in ('self', 'args', 'kwargs')]
