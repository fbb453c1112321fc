"""Which class a value or a colour of a mask stands for."""
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmmultas.utils.errors import ConfigError

from .colours import ColourTable, is_colour, parse_colour
from .label_map import IGNORE, INVALID, LabelSpace

__all__ = ['MaskValue', 'mask_table']

MaskValue = int | str | Sequence[int | str]


def mask_table(space: LabelSpace,
               values: Sequence[MaskValue] | None = None,
               ignored: Sequence[int | str] = (IGNORE, )
               ) -> NDArray[np.uint8] | ColourTable:
    """Mask value → train id.

    Args:
        space: Classes of the masks.
        values: Value(s) of each source class; 0, 1, 2, … if None.
        ignored: Values that become 255.

    Returns:
        A (256,) uint8 table, 254 where there is no class, or the table of
        the colours.

    Raises:
        ConfigError: Not one value per class, a value twice, or numbers
            mixed with colours.
    """
    values = range(len(space.sources)) if values is None else values
    if isinstance(values, str) or len(values) != len(space.sources):
        raise ConfigError(f'`mask_values` has {len(values)} entries for the '
                          f'{len(space.sources)} classes of the masks: give '
                          f'one per class.')
    ids: dict[int | str, int] = dict.fromkeys(ignored, IGNORE)
    taken: set[int | str] = set()
    for name, value in zip(space.sources, values):
        target = space.index[name]
        for one in [value] if isinstance(value, (int, str)) else value:
            if one in taken:
                raise ConfigError(f'`mask_values` gives {one!r} to two '
                                  f'classes.')
            taken.add(one)
            ids[one] = IGNORE if target is None else target
    colours = {is_colour(value) for value in taken}
    if colours == {True}:
        return ColourTable.build({
            parse_colour(v): i
            for v, i in ids.items() if is_colour(v)
        })
    if True in colours or not all(
            isinstance(v, int) and 0 <= v <= 255 for v in ids):
        raise ConfigError('`mask_values` and `ignore_values` are numbers '
                          "from 0 to 255, or all of them colours '#rrggbb'.")
    table = np.full(256, INVALID, np.uint8)
    for value, target in ids.items():
        table[int(value)] = target
    return table
