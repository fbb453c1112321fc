"""What a checkpoint may hold, so that a safe loader reads it back."""
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

__all__ = ['Unsaid', 'as_plain', 'make_plain']


class Unsaid:
    """Stands for a value that plain types cannot say."""


#: Message hub's entries beside the values themselves.
_HUB = 'message_hub'


def as_plain(value: Any) -> Any:
    """Tensors, plain types and containers of them; NumPy's become Python's.

    Returns:
        The value, or the class :class:`Unsaid` where there is no way.

    Example:
        >>> as_plain(dict(a=np.float64(0.5), b=(1, None), c=len))
        {'a': 0.5, 'b': (1, None)}
        >>> as_plain(len) is Unsaid
        True
    """
    if value is None or isinstance(value, torch.Tensor | torch.Size) or type(
            value) in (bool, int, float, str, bytes, complex):
        return value
    if isinstance(value, np.generic):
        return as_plain(value.item())
    if isinstance(value, np.ndarray):
        return as_plain(value.tolist())
    if isinstance(value, Mapping):
        pairs = {key: as_plain(part) for key, part in value.items()}
        kind = OrderedDict if isinstance(value, OrderedDict) else dict
        plain = kind((key, part) for key, part in pairs.items()
                     if part is not Unsaid)
        if hasattr(value, '_metadata'):  # versions of modules
            plain._metadata = value._metadata  # type: ignore[attr-defined]
        return plain
    if isinstance(value, list | tuple | set):
        parts = [as_plain(part) for part in value]
        kept = [part for part in parts if part is not Unsaid]
        return tuple(kept) if isinstance(value, tuple) else type(value)(kept)
    if isinstance(value, int | float | str):  # subclasses
        return next(kind(value) for kind in (bool, int, float, str)
                    if isinstance(value, kind))
    return Unsaid


def make_plain(checkpoint: dict[str, Any]) -> list[str]:
    """Leave in a checkpoint what :func:`load_file` reads back.

    The message hub's curves go (they are in the logs), and so do methods
    that schedules keep in their state (OneCycleLR); a schedule that is built
    again has them.

    Args:
        checkpoint: Changed in place.

    Returns:
        Entries of the first level that had to go wholly.
    """
    hub = checkpoint.get(_HUB)
    if isinstance(hub, Mapping):
        info = as_plain(hub.get('runtime_info', {}))
        checkpoint[_HUB] = dict(
            log_scalars={},
            runtime_info=info,
            resumed_keys={
                key: flag
                for key, flag in hub.get('resumed_keys', {}).items()
                if key in info
            })
    gone = []
    for key in list(checkpoint):
        plain = as_plain(checkpoint[key])
        if plain is Unsaid:
            del checkpoint[key]
            gone.append(str(key))
        else:
            checkpoint[key] = plain
    return gone
