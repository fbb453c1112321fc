"""Loops that a config cannot have, and keys that nobody knows."""
import re
from collections.abc import Callable
from typing import Any

from mmmultas.utils.errors import ConfigError

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
        wrong = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if wrong is None:
            raise
        raise ConfigError(
            f'{_whose(str(error), key)} has no key {wrong[1]!r}: mend its '
            'name or remove it (docs/config.md lists those of loops).'
        ) from error


def _whose(text: str, key: str) -> str:
    """The part that an error of a registry names; else the key."""
    found = re.findall(r'class `(\w+)` in', text)
    return f'{found[-1]} (built for `{key}`)' if found and (
        found[-1] not in {x.split('.')[-1] for x in LOOPS.values()}
    ) else f'`{key}`'
