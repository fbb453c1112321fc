"""Boxes and masks of one network: which of their classes are the same."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmmultas.structures import BOXES, CLASSES
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.spelling import alike

__all__ = ['NO_CLASS', 'Pair', 'pairs_of', 'pixel_classes']

#: Of a class of boxes that no pixel class belongs to.
NO_CLASS = -1
#: Config: name of a box class → name of a pixel class, or a number per class.
Given = Mapping[str, str] | Sequence[int] | None


@dataclass(frozen=True)
class Pair:
    """A task of boxes and one of masks that share classes.

    Attributes:
        boxes: Name of the task of boxes.
        masks: Name of the task of masks.
        pixel: The pixel class of each of the C box classes, or -1.
        num_pixel_classes: K.
    """
    boxes: str
    masks: str
    pixel: tuple[int, ...]
    num_pixel_classes: int

    def free(self, asked: Sequence[int] | None = None) -> Tensor:
        """Pixel classes that no box would announce, (K,) bool.

        One of several box classes is announced if all were looked for.

        Args:
            asked: Box classes that somebody looked for; None for all.
        """
        free = torch.ones(self.num_pixel_classes, dtype=torch.bool)
        free[[k for k in self.pixel if k != NO_CLASS]] = False
        for c, k in enumerate(self.pixel):
            if k != NO_CLASS and asked is not None and c not in asked:
                free[k] = True
        return free

    def of_boxes(self, labels: Tensor) -> Tensor:
        """Pixel class of each box, -1 where there is none."""
        return labels.new_tensor(self.pixel)[labels]

    def ambiguous(self) -> list[int]:
        """Box classes whose pixel class is that of others, too."""
        return [c for c, k in enumerate(self.pixel)
                if k != NO_CLASS and self.pixel.count(k) > 1]


def pairs_of(model: Any, key: str, boxes: str | None = None,
             masks: str | None = None) -> list[tuple[str, str]]:
    """Tasks that may teach one another.

    Args:
        model: Has ``tasks``.
        key: Config key of the companion, for messages.
        boxes: A task of boxes; all by default.
        masks: A task of masks; all by default.

    Raises:
        ConfigError: The model lacks one, or it is of another kind.
    """
    found = []
    for name, value, kind in (('boxes', boxes, BOXES),
                              ('masks', masks, CLASSES)):
        known = [t for t, task in model.tasks.items() if task.kind == kind]
        if value is not None and value not in known:
            raise ConfigError(
                f'`{key}.{name}` names {value!r}, but the heads of the kind '
                f'{kind!r} are {", ".join(known) or "none"}.')
        if not known:
            raise ConfigError(
                f'`{key}` joins boxes and masks, but no head is of the kind '
                f'{kind!r}: add one to `model.heads`, or leave it out.')
        found.append(known if value is None else [value])
    return [(b, m) for b in found[0] for m in found[1]]


def pixel_classes(box_names: Sequence[str] | int,
                  pixel_names: Sequence[str] | int,
                  given: Given,
                  key: str,
                  tasks: tuple[str, str] = ('det', 'seg')) -> tuple[int, ...]:
    """The pixel class of each box class.

    Args:
        box_names: Names of the box classes, or their number where a model is
            trained without a data set that names them.
        pixel_names: Likewise of the pixel classes.
        given: None: equal names; else names by name, or a number per box
            class, -1 for none.
        key: Config key of the companion, for messages.
        tasks: Names of both tasks, for messages.

    Raises:
        ConfigError: No class is shared, or ``given`` does not fit.

    Example:
        >>> pixel_classes(('cat', 'van'), ('background', 'cat'), None, '')
        (1, -1)
    """
    count, total = (n if isinstance(n, int) else len(n)
                    for n in (box_names, pixel_names))
    if given is not None and not isinstance(given, Mapping):
        return _numbered(given, count, total, key)
    if isinstance(box_names, int) or isinstance(pixel_names, int):
        if given is None and total == count + 1:  # background first
            return tuple(range(1, total))
        raise ConfigError(
            f'`{key}`: {count} box classes and {total} pixel classes have no '
            f'names by which to match them: give `{key}.classes` as a number '
            'per box class.')
    given = given or {}
    for name, pixel in given.items():
        for one, names in ((name, box_names), (pixel, pixel_names)):
            if one not in names:
                raise ConfigError(
                    f'`{key}.classes` names {one!r}, which is none of '
                    f'{", ".join(names)}.')
    found = tuple(
        _index(pixel_names, given.get(name, name)) for name in box_names)
    if all(k == NO_CLASS for k in found):
        raise ConfigError(
            f'`{key}`: {tasks[0]!r} ({_some(box_names)}) and {tasks[1]!r} '
            f'({_some(pixel_names)}) share no class: '
            f'{_join(box_names, pixel_names)}, or leave the companion out.')
    return found


def _numbered(given: Sequence[int], count: int, total: int,
              key: str) -> tuple[int, ...]:
    numbers = tuple(given)
    fits = len(numbers) == count and all(
        isinstance(k, int) and NO_CLASS <= k < total for k in numbers)
    if not fits or all(k == NO_CLASS for k in numbers):
        raise ConfigError(
            f'`{key}.classes` wants a pixel class (0 to {total - 1}, or -1 '
            f'for none) for each of the {count} box classes, not {given}.')
    return numbers


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else NO_CLASS


def _some(names: Sequence[str]) -> str:
    return ', '.join(names[:3]) + ', …' * (len(names) > 3)


def _join(boxes: Sequence[str], pixels: Sequence[str]) -> str:
    """How to say which classes are one, by their spelling if possible."""
    same = alike(boxes, pixels)
    if same:
        return ('their names differ by spelling only: write them alike, or '
                f'say `classes={same}`')
    return (f'say which belong together, `classes={{{boxes[0]!r}: …}}` with '
            'the name of its pixel class')
