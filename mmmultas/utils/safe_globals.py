"""What checkpoints of others may name, beside tensors and plain types.

Runs of MMEngine keep curves of losses (HistoryBuffer), NumPy's numbers and,
with OneCycleLR, a method of the schedule. PyTorch's safe loader asks for each
name; what stands for it here computes nothing and opens nothing.
"""
from typing import Any

import numpy as np

__all__ = ['safe_globals', 'without_marks']


class Curve:
    """Stands for MMEngine's HistoryBuffer; the numbers are dropped."""

    def __setstate__(self, state: Any) -> None:
        """Forget the curve: it is in the logs of its run."""


class _Schedule:
    """Stands for the class OneCycleParamScheduler."""


class Mark:
    """Stands for a method that a file names."""


def method_of(owner: type, name: str) -> type:
    """Stands for ``getattr``, of the two classes above alone.

    Raises:
        ValueError: Something else is asked for.
    """
    if owner not in (Curve, _Schedule) or not isinstance(name, str):
        raise ValueError('Unsupported: a file must not look up attributes.')
    return Mark


def safe_globals() -> list[Any]:
    """For :func:`torch.serialization.safe_globals`.

    NumPy's functions have another address in files of NumPy 1.
    """
    core = getattr(np, '_core', None) or np.core
    functions = (core.multiarray._reconstruct, core.multiarray.scalar)
    named = [(function, f'numpy.{part}.multiarray.{function.__name__}')
             for function in functions for part in ('core', '_core')]
    return [
        *named, np.ndarray, np.dtype,
        *{type(np.dtype(code)) for code in '?bBhHiIlLqQefdg'},
        (Curve, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_Schedule,
         'mmengine.optim.scheduler.param_scheduler.OneCycleParamScheduler'),
        (method_of, 'builtins.getattr'), (method_of, '__builtin__.getattr')
    ]


def without_marks(data: Any) -> Any:
    """What was read, without what only stands for something.

    Dictionaries lose such entries, in place (a built schedule has its
    method); NumPy's values become plain ones.

    Raises:
        RecursionError: Values that hold themselves.
        Exception: Whatever an array of broken parts raises when it is read.
    """
    if isinstance(data, dict):
        for key in [k for k, part in data.items() if _is_mark(part)]:
            del data[key]
        for key, part in data.items():
            data[key] = without_marks(part)
    elif isinstance(data, list):
        data[:] = [without_marks(part) for part in data]
    elif type(data) is tuple:
        return tuple(without_marks(part) for part in data)
    elif isinstance(data, np.ndarray):
        return np.array(data.tolist())
    elif isinstance(data, np.generic):
        return data.item()
    return data


def _is_mark(value: Any) -> bool:
    return isinstance(value, Curve) or value is Mark or value is _Schedule
