"""Data sets in which somebody looked for some of the classes only.

Boxes of other classes are not read; mask values of other classes, the
background among them, become one: "none of the annotated classes".
"""
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmmultas.structures import DET, SEG
from mmmultas.utils.errors import ConfigError

from .colours import ColourTable
from .label_map import LabelSpace

__all__ = ['Annotated']

_BACKGROUND = 'background'


class Annotated:
    """What ``annotated=dict(det=('car',))`` does to records.

    Args:
        named: Task → names of classes, after merging; None for all.
        spaces: Classes of each task of the data set.

    Raises:
        ConfigError: A task that the data set does not have, a class that it
            does not have, or no class at all.
    """

    def __init__(self, named: Mapping[str, Sequence[str]] | None,
                 spaces: Mapping[str, LabelSpace]) -> None:
        #: Task → class numbers; a task that is not here has all its classes.
        self.classes: dict[str, tuple[int, ...]] = {}
        for task, names in (named or {}).items():
            if task not in spaces:
                raise ConfigError(
                    f'`annotated` names the task {task!r}, but the data set '
                    f'has {", ".join(spaces) or "no label"}: mend it, or add '
                    'it to `tasks`.')
            known = spaces[task].classes
            chosen = _numbers(task, names, known)
            whole = {i for i, name in enumerate(known) if task != SEG
                     or name != _BACKGROUND}
            if set(chosen) != whole:
                self.classes[task] = chosen
        self._tables: dict[Any, Any] = {}
        self._known = {task: s.classes for task, s in spaces.items()}

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        """Take what nobody looked for out of a record.

        Args:
            record: Of a data set; its lists stay as they are.
        """
        named = {task: classes for task, classes in self.classes.items()
                 if task in record.get('tasks', ())}
        if not named:
            return record
        record = dict(record, annotated=named)
        if DET in named and 'instances' in record:
            record['instances'] = [
                thing for thing in record['instances']
                if thing['bbox_label'] in named[DET]
            ]
        for key in ('seg_lut', 'seg_colours'):
            if SEG in named and key in record:
                record[key] = self._table(record[key], named[SEG])
        return record

    def notes(self) -> list[str]:
        """What a person should know of it, a sentence per task."""
        return [
            f'somebody looked for {", ".join(self._known[task][i] for i in c)}'
            f' of {task!r} only (`annotated`): the others take no part'
            for task, c in self.classes.items()
        ]

    def _table(self, table: Any, classes: tuple[int, ...]) -> Any:
        """A table of mask values, made once."""
        if id(table) not in self._tables:
            colours = isinstance(table, ColourTable)
            ids = _joined(table.ids if colours else table, classes,
                          len(self._known[SEG]))
            made = ColourTable(table.codes, ids) if colours else ids
            # the key is kept too: a number of a dead object may come back
            self._tables[id(table)] = (table, made)
        return self._tables[id(table)][1]


def _joined(ids: NDArray[np.uint8], classes: tuple[int, ...],
            count: int) -> NDArray[np.uint8]:
    """The lowest class that nobody looked for, in place of all of them."""
    others = [i for i in range(count) if i not in classes]
    made = ids.copy()
    made[np.isin(ids, others)] = others[0]
    return made


def _numbers(task: str, names: Sequence[str],
             known: Sequence[str]) -> tuple[int, ...]:
    """Numbers of classes; the background is none that is looked for."""
    names = (names, ) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in known:
            raise ConfigError(
                f'`annotated` names the class {name!r} for {task!r}, but the '
                f'data set has {", ".join(known)}: mend one of the two.')
    chosen = tuple(
        i for i, name in enumerate(known)
        if name in names and not (task == SEG and name == _BACKGROUND))
    if not chosen:
        raise ConfigError(
            f'`annotated` names no class for {task!r}: take {task!r} out of '
            '`tasks` where nobody looked for anything.')
    return chosen
