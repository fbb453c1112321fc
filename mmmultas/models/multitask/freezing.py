"""Parts of a network that take no part in training."""
import difflib
from collections.abc import Sequence

from torch import nn

from mmmultas.utils.errors import ConfigError

__all__ = ['freeze']


def freeze(model: nn.Module,
           names: str | Sequence[str]) -> list[nn.Module]:
    """Switch the gradients of parts off.

    Their batch norms keep learning statistics in training mode: call
    ``eval()`` on what is returned after every ``train()``.

    Args:
        model: The network.
        names: Dotted paths of modules, for example ``'backbone'``; one may
            stand without brackets.

    Returns:
        The modules.

    Raises:
        ConfigError: No module has such a name, or nothing is left to train.
    """
    names = (names, ) if isinstance(names, str) else tuple(names)
    modules = dict(model.named_modules())
    for name in names:
        if not name or name not in modules:
            near = difflib.get_close_matches(name, modules, 1)
            hint = f': did you mean {near[0]!r}?' if near else '.'
            raise ConfigError(f'`model.frozen` names {name!r}, which the '
                              f'model does not have{hint}')
        modules[name].requires_grad_(False)
    if names and not any(p.requires_grad for p in model.parameters()):
        raise ConfigError('`model.frozen` leaves nothing to train: take one '
                          f'of {", ".join(names)} out.')
    return [modules[name] for name in names]
