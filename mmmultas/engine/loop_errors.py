"""Loops that a config cannot have, and keys that nobody knows."""
from collections.abc import Callable
from typing import Any

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.unknown_keys import unknown_key

__all__ = ['build_loop']

#: Loops that would read a dict of streams as one loader; None is MMEngine's
#: choice where a config names none.
STOCK_LOOPS = ('EpochBasedTrainLoop', 'IterBasedTrainLoop', 'ValLoop',
               'TestLoop', 'TeacherStudentValLoop', 'None')
#: Ours, by the key that names them.
LOOPS = dict(train_cfg='mmmultas.MultiTaskTrainLoop',
             val_cfg='mmmultas.MultiTaskValLoop',
             test_cfg='mmmultas.MultiTaskTestLoop')


def build_loop(key: str, build: Callable[[Any], Any], cfg: Any) -> Any:
    """Build; an argument that does not exist becomes a sentence."""
    kind = str(cfg.get('type')) if isinstance(cfg, dict) else LOOPS[key]
    if kind.split('.')[-1] in STOCK_LOOPS:
        raise ConfigError(
            f'`{key}.type` is {kind!r}, which draws from one loader, but '
            f'`{key.replace("_cfg", "_dataloader")}` names streams: use '
            f"type='{LOOPS[key]}' (docs/config.md lists its keys).")
    try:
        return build(cfg)
    except TypeError as error:
        found = unknown_key(error)
        if found is None:
            raise
        kind, name, hint = found
        ours = LOOPS[key].split('.')[-1]
        whose = f'`{key}`' if kind == ours else f'{kind} (built for `{key}`)'
        raise ConfigError(f'{whose} has no key {name!r}: {hint}') from error
