"""Which modules' outputs are recorded."""
import difflib
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of

__all__ = ['recorder_sources']


def recorder_sources(recorders: Mapping[str, Mapping[str, Any]],
                     model: nn.Module, key: str) -> dict[str, str]:
    """Read the config of recorders and check it against a network.

    Args:
        recorders: Name → ``dict(type='ModuleOutputs', source='neck')``;
            ``source`` is the dotted path of a module.
        model: The network that is recorded.
        key: Config key, for messages.

    Returns:
        dict: Name → path of the module.

    Raises:
        ConfigError: Another type, or a path that the network does not have.
    """
    modules = dict(model.named_modules())
    sources = {}
    for name, cfg in mapping_of(key, recorders).items():
        cfg = dict(cfg if isinstance(cfg, Mapping) else {})
        kind = cfg.pop('type', 'ModuleOutputs')
        source = cfg.pop('source', None)
        named = isinstance(source, str) and source
        if kind != 'ModuleOutputs' or cfg or not named:
            raise ConfigError(
                f"`{key}.{name}` must be dict(type='ModuleOutputs', "
                "source='neck'), with the path of a module.")
        if source not in modules:
            near = difflib.get_close_matches(source, modules, 1)
            hint = f': did you mean {near[0]!r}?' if near else '.'
            raise ConfigError(f'`{key}.{name}.source` names {source!r}, which '
                              f'the network does not have{hint}')
        sources[name] = source
    return sources
