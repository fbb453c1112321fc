"""Further heads of a task that help it learn and are not asked later."""
from collections.abc import Mapping
from typing import Any

from mmmultas.utils.errors import ConfigError

__all__ = ['auxiliary_cfgs', 'auxiliary_names']


def auxiliary_cfgs(value: Any,
                   main: Mapping[str, Any],
                   key: str = 'model.heads.seg') -> list[dict]:
    """Configs of auxiliary heads, by MMSegmentation's rules.

    Args:
        value: One config, a list of them, or None.
        main: The main head's config, whose number of classes they take.
        key: Its config key, for messages.

    Raises:
        ConfigError: Something else, or another number of classes.
    """
    cfgs = [value] if isinstance(value, Mapping) else list(value or ())
    for cfg in cfgs:
        if not isinstance(cfg, Mapping):
            raise ConfigError(
                f'`{key}.auxiliary` is the config of a head or a '
                f'list of such, got {cfg!r} in it.')
        count = cfg.get('num_classes', main.get('num_classes'))
        if _learns_edges(cfg):
            continue
        if count != main.get('num_classes'):
            raise ConfigError(
                f'`{key}.auxiliary` has num_classes={count}, but '
                f'the head itself {main.get("num_classes")}: leave it out '
                'there.')
    taken = {k: v for k, v in main.items() if k == 'num_classes'}
    return [dict(cfg) if _learns_edges(cfg) else dict(cfg, **taken)
            for cfg in cfgs]


def _learns_edges(cfg: Mapping[str, Any]) -> bool:
    return str(cfg.get('type')).split('.')[-1] == 'STDCHead'


def auxiliary_names(count: int) -> list[str]:
    """``aux``, or ``aux_0``, ``aux_1`` … of several."""
    return ['aux'] if count == 1 else [f'aux_{i}' for i in range(count)]
