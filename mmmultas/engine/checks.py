"""Contradictions that are cheap to find before the first update."""
import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from torch.nn import SyncBatchNorm

from mmmultas.structures import kind_of
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.name_lists import lists_within, unknown_names
from mmmultas.utils.overlap import shared_photos
from mmmultas.utils.resources import command

from .partial_classes import check_partial_classes

__all__ = [
    'check_classes', 'check_companions', 'check_distillation', 'check_files',
    'check_labels', 'check_overlap', 'check_run', 'check_same_classes',
    'check_size', 'check_taught', 'check_view'
]


def check_run(runner: Any, allow_overlap: bool = False) -> None:
    """All checks of a run that trains; quiet if all is well.

    20,000 images take a fraction of a second: no image or label is opened.

    Args:
        runner: The runner, its loops built.
        allow_overlap: Whether validation may show training's images.

    Raises:
        ConfigError: Classes that disagree, or images in training and
            validation.
        DataError: A file is missing.
    """
    loop = runner.train_loop.dataloader
    metainfo = loop.dataset.metainfo
    check_classes(runner.model, metainfo)
    check_labels(runner.model, {
        name: stream.dataset.metainfo
        for name, stream in loop.streams.items()
    })
    check_taught(runner.model, metainfo.get('tasks', ()))
    check_partial_classes(
        runner.model,
        {name: stream.dataset for name, stream in loop.streams.items()})
    val_loop: Any = getattr(runner, 'val_loop', None)
    loaders = getattr(val_loop, 'loaders', {})
    judged = val_loop.dataloader.dataset.metainfo if loaders else {}
    # a task that no training image is labelled for has its names there
    check_companions(runner, {**judged, **metainfo})
    check_distillation(
        runner.model,
        (x for s in loop.streams.values() for x in _carried(s.dataset)))
    train = {f'train_dataloader.{n}': s.dataset
             for n, s in loop.streams.items()}
    val = {f'val_dataloader.{n}': x.dataset for n, x in loaders.items()}
    check_same_classes(metainfo, judged)
    told = unknown_names(
        (x for data in (train | val).values() for x in lists_within(data)),
        getattr(runner, 'cfg', None))
    for file, said in told.items():
        print_log(f'{file} {said}.', 'current', logging.WARNING)
    files = {key: list(_files(data)) for key, data in (train | val).items()}
    for key, pairs in files.items():
        check_files(key, (path for pair in pairs for path in pair if path))
    if not allow_overlap:
        check_overlap({k: [image for image, _ in files[k]] for k in train},
                      {k: [image for image, _ in files[k]] for k in val})


def check_labels(model: Any, metainfos: Mapping[str, Any]) -> None:
    """Refuse a stream from which nobody could learn.

    Args:
        model: The model, wrapped or not.
        metainfos: That of each stream's data set.

    Raises:
        ConfigError: A stream without labels and a model without teachers.
    """
    model = model.module if is_model_wrapper(model) else model
    for name, meta in metainfos.items():
        if not meta.get('tasks') and not getattr(model, 'companions', ()):
            raise ConfigError(
                f'The images of `train_dataloader.{name}` carry no label '
                '(`tasks`), and the model has no teachers that would speak '
                'about them: name their labels, leave the stream out, or '
                'distil (docs/distillation.md).')


def check_taught(model: Any, tasks: Iterable[str]) -> None:
    """Say which heads no training image teaches.

    Args:
        model: The model, wrapped or not; what companions teach is theirs to
            say.
        tasks: Labels that training images carry.
    """
    model = model.module if is_model_wrapper(model) else model
    if getattr(model, 'companions', None) or hasattr(model, 'match_classes'):
        return
    for task, head in getattr(model, 'heads', {}).items():
        if task not in tasks and any(
                p.requires_grad for p in head.parameters()):
            print_log(
                f'No image of `train_dataloader` has the label of {task!r}: '
                'its head learns nothing, and its scores count in the choice '
                f'of the best model. Leave it out (`model.heads.{task}=None`)'
                f", or freeze it (`model.frozen=['heads.{task}']`).",
                logger='current', level=logging.WARNING)


def check_companions(runner: Any, metainfo: Mapping[str, Any]) -> None:
    """Tell companions the classes, and how long the training is.

    Args:
        runner: The runner, its train loop built.
        metainfo: ``classes`` and ``kind`` by task.

    Raises:
        ConfigError: A companion does not fit the data.
    """
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    loop = runner.train_loop
    if getattr(model, 'companions', None) or hasattr(model, 'match_classes'):
        model.meet(metainfo, len(loop.dataloader), loop.max_iters,
                   runner.seed or 0)
    if getattr(model, 'companions', None):
        for name, stream in loop.dataloader.streams.items():
            check_view(model, name, stream.dataset)
    for name, stream in loop.dataloader.streams.items():
        check_size(model, name, stream.dataset)
    balancer = getattr(model, 'balancer', None)
    if balancer is not None:
        streams = loop.dataloader
        model.meet_run(
            len(streams), loop.max_epochs,
            len(streams.schedule.streams_at(0)) < len(streams.streams),
            getattr(runner.optim_wrapper, '_accumulative_counts', 1),
            runner.seed or 0)
        _check_gram(runner, model, balancer)


def check_view(model: Any, name: str, dataset: Any) -> None:
    """Refuse transforms that take from companions what they must know.

    That is which part of an image lies outside of all boxes, and where
    the teacher of an image sees what the network does.

    Args:
        model: The network, with companions.
        name: The stream's name.
        dataset: Its data set.

    Raises:
        ConfigError: A companion reads such images.
    """
    tasks = set(dataset.metainfo.get('tasks', ()))
    for companion, made in model.companions.items():
        lost = tasks & set(getattr(made, 'reads_view', ()))
        kind = getattr(dataset, 'loses_view', None) if lost else None
        if kind is not None:
            raise ConfigError(
                f'`model.companions.{companion}` reads what lies outside of '
                f'boxes, and {kind} in the pipeline of '
                f'`train_dataloader.{name}` does not say which part of an '
                'image it fills or which boxes it drops: take '
                "'mmmultas.CropExpand', 'mmmultas.RandomFlip' and "
                "'mmmultas.Squash', or place it before these if it is a "
                'plain resize or flip.')
        _check_teacher_view(companion, made, name, dataset)
        if getattr(made, 'needs_second_view', False) and not getattr(
                dataset, 'has_second_view', False):
            raise ConfigError(
                f'`model.companions.{companion}` looks at the second view of '
                f'an image, and `train_dataloader.{name}` makes none: place '
                "dict(type='mmmultas.SecondView', transforms=[dict(type="
                "'mmmultas.ZoomCrop')]) before PackInputs, or set "
                f"`model.companions.{companion}.view='first'`.")


def check_size(model: Any, name: str, dataset: Any) -> None:
    """Refuse inputs that a part of the network cannot halve.

    Args:
        model: The network.
        name: The stream's name.
        dataset: Its data set.

    Raises:
        ConfigError: A part asks for other sides (``size_divisor``), and the
            pipeline gives these.
    """
    size = getattr(dataset, 'final_size', None)
    if not size or not hasattr(model, 'data_preprocessor'):
        return
    pad = getattr(model.data_preprocessor, 'pad_size_divisor', 1)
    for part in model.modules():
        divisor = getattr(part, 'size_divisor', 1)
        if pad % divisor and any(side % divisor for side in size):
            raise ConfigError(
                f'`train_dataloader.{name}` gives images of {size[0]} x '
                f'{size[1]} pixels, and {type(part).__name__} needs sides '
                f'that {divisor} divides: change the size in its pipeline, '
                f'or set `model.data_preprocessor.pad_size_divisor='
                f'{divisor}`.')


def _check_teacher_view(companion: str, made: Any, name: str,
                        dataset: Any) -> None:
    """Refuse another crop or mirror image for anchors at one place."""
    lacking = set(getattr(made, 'same_view', ())) - set(
        getattr(dataset, 'tasks', ()))
    kind = getattr(dataset, 'moves_teacher', None) if lacking else None
    if kind is not None:
        raise ConfigError(
            f"`model.companions.{companion}.box_form='soft'` compares anchors "
            f'at one place, but {kind} in the pipeline of '
            f'`train_dataloader.{name}` shows the teacher another crop or '
            'mirror image: place KeepTeacherView behind all transforms that '
            "move the image, or set box_form='hard'.")


def _check_gram(runner: Any, model: Any, balancer: Any) -> None:
    """Refuse runs without a graph to go back through once per task."""
    if not balancer.needs_gram:
        return
    who = f'`model.balancer` {type(balancer).__name__}'
    if runner.cfg.get('compile'):
        raise ConfigError(
            f'{who} goes back through the graph once per task, which a '
            'compiled model does not allow: set `compile=False`, or take '
            'mmmultas.Uncertainty.')
    if any(isinstance(m, SyncBatchNorm) for m in model.modules()):
        raise ConfigError(
            f'{who} goes back through the graph where a process may have no '
            'labels of a task, and synchronised batch norm would wait for '
            'it: take another norm, or mmmultas.Uncertainty.')


def check_distillation(model: Any,
                       carried: Iterable[tuple[str, ...]]) -> None:
    """Refuse a loss of a companion that no image could ever have.

    Args:
        model: The model, wrapped or not.
        carried: The sets of labels that training images carry; not read
            where nothing is distilled.

    Raises:
        ConfigError: No image takes part in some loss.
    """
    model = model.module if is_model_wrapper(model) else model
    if not getattr(model, 'has_company', False):
        return
    for key, why in model.mute_losses(set(carried)).items():
        raise ConfigError(f'`{key}` is silent in every update: {why}')


def check_classes(model: Any, metainfo: dict[str, Any]) -> None:
    """Compare the heads' kinds and numbers of classes with the data's.

    Args:
        model: The model, wrapped or not.
        metainfo: ``classes`` and ``kind`` by task.

    Raises:
        ConfigError: A head has more or fewer classes than its data, or
            is of another kind.
    """
    model = model.module if is_model_wrapper(model) else model
    for task, adapter in getattr(model, 'tasks', {}).items():
        kind = kind_of(task, metainfo)
        if (metainfo.get(task, {}).get('kind') and adapter.kind != kind):
            raise ConfigError(
                f'`model.heads.{task}` is of the kind {adapter.kind!r}, but '
                f'the data say that {task!r} is {kind!r}: set `kind` of the '
                'head, or of the label, so that they agree.')
    for task, head in getattr(model, 'heads', {}).items():
        classes = metainfo.get(task, {}).get('classes')
        count = getattr(head, 'num_classes', None)
        if classes and count is not None and count != len(classes):
            raise ConfigError(
                f'`model.heads.{task}.num_classes` is {count}, but the data '
                f'have {len(classes)} classes for {task!r} ({classes[0]} ... '
                f'{classes[-1]}): make them agree.')


def check_same_classes(train: Mapping[str, Any],
                       val: Mapping[str, Any]) -> None:
    """Training and validation must number the same classes.

    Args:
        train: Metainfo of training: ``classes`` by task.
        val: That of validation.

    Raises:
        ConfigError: A task has other names, or another order of them.
    """
    for task in train.get('tasks', ()):
        names, others = (tuple(meta.get(task, {}).get('classes') or ())
                         for meta in (train, val))
        if names and others and names != others:
            first = next(
                (f'{a!r} and {b!r}' for a, b in zip(names, others) if a != b),
                f'{len(names)} and {len(others)} of them')
            raise ConfigError(
                f'Training and validation have other classes for {task!r} '
                f'({first}): give both the same names in the same order.')


def check_files(key: str, paths: Iterable[str]) -> None:
    """Ask for every file, listing each folder once.

    Args:
        key: Whose they are, for the message.
        paths: Images and masks.

    Raises:
        DataError: One is missing.
    """
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, name = os.path.split(path)
        wanted[folder].append(name)
    missing = []
    for folder, names in wanted.items():
        try:
            present = set(os.listdir(folder or '.'))
        except OSError:
            present = set()
        missing += [os.path.join(folder, n) for n in names if n not in present]
    if missing:
        more = f' (and {len(missing) - 1} more)' if missing[1:] else ''
        raise DataError(f'{missing[0]} of `{key}` is missing{more}: add it or '
                        f'mend the paths; `{command("check_data")} <your '
                        f'config>` lists all problems.')


def check_overlap(train: Mapping[str, Iterable[str]],
                  val: Mapping[str, Iterable[str]]) -> None:
    """Validation must not show images of training.

    Args:
        train: Image files by stream.
        val: Likewise. VOC2012's copies of VOC2007's images count.

    Raises:
        ConfigError: It does.
    """
    for train_key, paths in train.items():
        for val_key, others in val.items():
            pairs = shared_photos(paths, others)
            if pairs:
                some = ', '.join(
                    a if a == b else f'{a} as {b}' for a, b in pairs[:2])
                raise ConfigError(
                    f'{len(pairs)} images of `{train_key}` are in '
                    f'`{val_key}` too ({some}), so that the scores would '
                    f'tell nothing: take them out of one of the two, or set '
                    f'`train_cfg.allow_overlap=True` if it is meant so.')


def _carried(dataset: Any) -> set[tuple[str, ...]]:
    """The sets of labels that images of a data set may carry."""
    ask = getattr(dataset, 'get_data_info', None)
    whole = tuple(dataset.metainfo.get('tasks', ()))
    if ask is None:  # a drawn data set does not say before it draws
        return {
            part for n in range(len(whole) + 1)
            for part in combinations(whole, n)
        }
    return {
        tuple(ask(index).get('tasks', whole)) for index in range(len(dataset))
    }


def _files(dataset: Any) -> Iterator[tuple[str, str | None]]:
    """Image and mask of every record; drawn data sets have none."""
    ask = getattr(dataset, 'get_data_info', None)
    if ask is None:
        return
    for index in range(len(dataset)):
        record = ask(index)
        if not isinstance(record.get('img_path'), str):
            return
        yield record['img_path'], record.get('seg_map_path')
