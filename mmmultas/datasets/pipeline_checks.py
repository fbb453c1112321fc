"""What a stream's data set must not do, found while it is built."""
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from mmmultas.structures import DET
from mmmultas.utils.errors import ConfigError

from .transforms.alignment import blind_to, keeps_history, loses_view

__all__ = [
    'BalancedByBoxes', 'blind_to_the_view', 'check_dataset', 'is_coco',
    'makes_second_view', 'moves_the_teacher', 'parts_of',
    'refuse_balancing_by', 'size_of'
]

#: Generators of their own: the key of a sample cannot reach them.
PRIVATE_GENERATORS = (random.Random, np.random.Generator,
                      np.random.RandomState, torch.Generator)
#: Attributes through which wrappers and transforms hold others.
_INSIDE = ('dataset', 'datasets', 'pipeline', 'transforms', 'transform',
           'branch_pipelines', 'resize')
#: Words in the names of transforms that move an image.
_MOVES = ('Affine', 'Crop', 'Expand', 'Flip', 'Mosaic', 'Pad', 'Resize',
          'Rotate', 'Shear', 'Shift', 'Squash', 'Translate')
#: Where labels stay those of the original image.
_EVALUATED = ('val_', 'test_')
#: Transforms of this package after which others would have to follow.
_VIEWS = ('CropExpand', 'ScaleCrop', 'KeepTeacherView', 'SecondView',
          'TeacherView', 'ZoomCrop')
#: Those that show another part of an image, or its mirror image.
_SHIFTS = {'CropExpand', 'RandomFlip', 'ScaleCrop', 'ZoomCrop'}
_PACKERS = ('PackDetInputs', 'PackSegInputs')


def check_dataset(dataset: Any, key: str) -> None:
    """Look through wrappers, pipelines and nested transforms.

    Args:
        dataset: A data set, built.
        key: Its place in the config, for messages.

    Raises:
        ConfigError: A transform that draws from a private generator, whose
            output depends on samples made before, that moves the image and
            not a label which the data set announces, or that drops
            ``tasks``; joined data sets with other labels or classes.
    """
    tasks = _tasks_of(dataset, key)
    early = _before_labels(dataset)
    if not key.startswith(_EVALUATED):
        _check_order(dataset, early, key)
        early = set()
    for part in parts_of(dataset):
        _check_second_view(part, key)
        _check_generator(part, key)
        _check_history(part, key)
        if id(part) not in early:
            _check_alignment(part, tasks, key)
        _check_packer(part, key)
        _check_joined(part, key)


def _before_labels(dataset: Any) -> set[int]:
    """Transforms of evaluation that stand before the labels are loaded.

    Labels are then those of the original image, as metrics want them.
    """
    early: set[int] = set()
    for part in parts_of(dataset):
        steps = getattr(part, 'pipeline', ())
        steps = list(getattr(steps, 'transforms', steps) or ())
        names = [type(step).__name__ for step in steps]
        loads = [place for place, name in enumerate(names)
                 if name.startswith('Load') and 'Image' not in name]
        for step in steps[:loads[0]] if loads else ():
            early.update(id(inner) for inner in parts_of(step))
    return early


def blind_to_the_view(dataset: Any) -> str | None:
    """A transform after which nobody knows what is in view of an image.

    Transforms of this package say which part of the frame shows the picture
    and which boxes a crop dropped; those of others that fill a border, or
    move what a crop of ours has left, do not.

    Args:
        dataset: A data set, built.

    Returns:
        Its name; None if there is none.
    """
    for part in parts_of(dataset):
        steps = getattr(part, 'pipeline', ())
        steps = list(getattr(steps, 'transforms', steps) or ())
        cut = False
        for inner in (i for step in steps for i in parts_of(step)):
            if loses_view(type(inner), cut):
                return type(inner).__name__
            cut = cut or type(inner).__name__ in _VIEWS
    return None


def moves_the_teacher(dataset: Any) -> str | None:
    """A transform by which a teacher sees an image at another place.

    What crops or mirrors inside of ``TeacherView``, or behind that or
    ``KeepTeacherView``. Plain resizes of this package move nothing.

    Args:
        dataset: A data set, built.

    Returns:
        Its name; None if there is none.
    """
    for part in parts_of(dataset):
        steps = getattr(part, 'pipeline', ())
        steps = list(getattr(steps, 'transforms', steps) or ())
        kept = False
        for inner in (i for step in steps for i in parts_of(step)):
            names = {kind.__name__ for kind in type(inner).__mro__}
            if kept and (names & _SHIFTS or loses_view(type(inner), True)):
                return type(inner).__name__
            kept = kept or bool(names & {'KeepTeacherView', 'TeacherView'})
    return None


def makes_second_view(dataset: Any) -> bool:
    """Whether samples of a data set have a second view of their image.

    Args:
        dataset: A data set, built.
    """
    return any(type(part).__name__ == 'SecondView'
               or getattr(part, 'second_view', False) is True
               for part in parts_of(dataset))


def size_of(dataset: Any) -> tuple[int, int] | None:
    """Height and width in which all images leave, if the pipeline says so.

    Args:
        dataset: A data set, built.
    """
    found: tuple[int, int] | None = None
    steps = getattr(dataset, 'pipeline', ())
    for step in list(getattr(steps, 'transforms', steps) or ()):
        name = type(step).__name__
        if name == 'Squash':
            found = step.size
        elif name != 'ZoomCrop' and any(word in name for word in _MOVES
                                        if word != 'Flip'):
            found = None
    return found


def parts_of(dataset: Any) -> Iterator[Any]:
    """A data set, what it wraps, and all of their transforms."""
    stack, seen = [dataset], set()
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, Mapping):
            stack.extend(item.values())
        else:
            yield item
            owned = vars(item) if hasattr(item, '__dict__') else {}
            stack.extend(owned[name] for name in _INSIDE if name in owned)


def _tasks_of(dataset: Any, key: str) -> tuple[str, ...]:
    meta = getattr(dataset, 'metainfo', {})
    if not isinstance(meta, Mapping):  # mmdet's ConcatDataset gives a list
        raise ConfigError(_several(key, [dict(one) for one in meta]))
    return tuple(meta.get('tasks', ()))


def _check_order(dataset: Any, early: set[int], key: str) -> None:
    """In training labels must be there when their image is moved."""
    for part in parts_of(dataset):
        name = type(part).__name__
        if id(part) in early and any(word in name for word in _MOVES):
            raise ConfigError(
                f'transform {name} of `{key}` moves the image before its '
                'labels are loaded, so that they would lie elsewhere: place '
                'LoadLabels (or LoadAnnotations) right behind LoadImage.')


def _several(key: str, metas: list[dict[str, Any]]) -> str:
    tasks = ' and '.join(
        str(tuple(one.get('tasks', ()))) for one in metas[:2])
    return (f'`{key}` joins data sets with other labels or classes (`tasks` '
            f'{tasks}): give each of them a stream of its own, whose batches '
            'meet in every update; streams of one task want the same '
            '`classes`.')


def _check_second_view(part: Any, key: str) -> None:
    """Nothing may move the first view when the second one is made."""
    steps = getattr(part, 'pipeline', ())
    inside = getattr(part, 'dataset', None)
    made = inside is not None and makes_second_view(inside)
    for step in list(getattr(steps, 'transforms', steps) or ()):
        own = [type(inner).__name__ for inner in parts_of(step)]
        moves = [name for name in own if any(w in name for w in _MOVES)]
        if made and moves:
            raise ConfigError(
                f'transform {moves[0]} of `{key}` moves the image behind '
                'SecondView, so that both views no longer say where they '
                'are of each other: place it before SecondView.')
        made = made or 'SecondView' in own


def _check_generator(part: Any, key: str) -> None:
    kind = type(part)
    owned = vars(part) if hasattr(part, '__dict__') else {}
    if (kind.__name__ == 'Albu'
            or kind.__module__.split('.')[0] == 'albumentations' or any(
                isinstance(v, PRIVATE_GENERATORS) for v in owned.values())):
        raise ConfigError(
            f'transform {kind.__name__} of `{key}` draws from a private '
            'random generator, which would make runs irreproducible; take a '
            "transform that draws from python's, numpy's or torch's global "
            'one.')


def _check_history(part: Any, key: str) -> None:
    if keeps_history(type(part)):
        name = type(part).__name__
        raise ConfigError(
            f'transform {name} of `{key}` mixes in samples that its process '
            'has made before, so that a resumed run or other workers would '
            f'see other images: take mmdet.{name.removeprefix("Cached")} in '
            'an mmdet.MultiImageMixDataset.')


def _check_alignment(part: Any, tasks: tuple[str, ...], key: str) -> None:
    left = blind_to(type(part), tasks)
    if left is None:
        return
    name = type(part).__name__
    if name == 'SegRescale':
        raise ConfigError(
            f'transform {name} of `{key}` resizes masks away from their '
            'images: leave it out; heads compare masks in the size of the '
            'input.')
    task = dict(masks='seg', boxes='det').get(left, left)
    label = left if task != left else f'labels of {task!r}'
    raise ConfigError(
        f'transform {name} of `{key}` moves the image and not its {label}, '
        f'but `tasks` has {task!r}: take mmmultas.CropExpand, '
        'mmmultas.Squash or mmmultas.RandomFlip, or for boxes and masks one '
        'of MMDetection that moves both (docs/data.md), or keep it for a '
        f'stream without '
        f'{task!r}.')


def _check_packer(part: Any, key: str) -> None:
    if type(part).__name__ in _PACKERS and 'tasks' not in part.meta_keys:
        raise ConfigError(
            f'{type(part).__name__} of `{key}` drops the metainfo `tasks`, '
            'which says what a sample is annotated for, so that nothing '
            "would be learnt from it: end the pipeline with dict(type="
            "'mmmultas.PackInputs'), or add 'tasks' to its `meta_keys`.")


def _check_joined(part: Any, key: str) -> None:
    parts = getattr(part, 'datasets', None)
    if not isinstance(parts, (list, tuple)):
        return
    metas = [dict(one.metainfo) for one in parts if hasattr(one, 'metainfo')]
    for meta in metas[1:]:
        if tuple(meta.get('tasks', ())) != tuple(metas[0].get('tasks', ())):
            raise ConfigError(_several(key, [metas[0], meta]))


def is_coco(dataset: Any) -> bool:
    """Whether a data set is mmdet's CocoDataset, or a child of it.

    By name: importing mmdet's data sets takes seconds and says what it lacks.
    """
    return any(kind.__name__ == 'CocoDataset'
               for kind in type(dataset).__mro__)


def refuse_balancing_by(dataset: Any, tasks: tuple[str, ...]) -> None:
    """Refuse wrappers that choose images by boxes which are withheld.

    Raises:
        ConfigError: One of them is a ClassBalancedDataset.
    """
    for part in parts_of(dataset) if DET not in tasks else ():
        if hasattr(part, 'repeat_indices') or hasattr(part, 'oversample_thr'):
            raise ConfigError(
                f'{type(part).__name__} repeats images by the classes of '
                "their boxes, but `tasks` of the PartialDataset around it "
                "withholds 'det': leave it out, or announce 'det'.")


class BalancedByBoxes:
    """Lets ClassBalancedDataset ask a data set for its classes."""

    def get_cat_ids(self: Any, idx: int) -> list[int]:
        """Classes of the boxes of an image; -1 where there are none.

        Raises:
            ConfigError: The boxes are withheld.
        """
        record = self.get_data_info(idx)
        if 'instances' not in record:
            raise ConfigError(
                'ClassBalancedDataset repeats images by the classes of their '
                "boxes, but `tasks` of the data set in it withholds 'det': "
                "leave it out, or announce 'det'.")
        return [thing['bbox_label'] for thing in record['instances']
                if not thing.get('ignore_flag')] or [-1]
