"""Validation of one image per stream before the first update.

What would fail after the first epoch, or after hours, fails now: metrics that
lack an argument, names that no metric has, labels in other pixels than
predictions.
"""
import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from mmmultas.structures import DET
from mmmultas.utils.errors import ConfigError, UserError

__all__ = ['check_boxes', 'check_names', 'rehearse']

#: Records that are looked through for one with a label.
LOOKED_AT = 500
#: Samples whose boxes are compared with their record.
COMPARED = 4


def rehearse(loop: Any) -> set[str] | None:
    """Pass one image of each stream through network and metrics.

    True boxes take the place of what an untrained network finds, so that
    every metric has something to say. Nothing is counted, no hook is called;
    metrics that write files are left out.

    Args:
        loop: A loop of validation or test.

    Returns:
        Names of all metrics; None if one did not tell its own.

    Raises:
        ConfigError: What :class:`MultiTaskValLoop` itself would raise later.
    """
    met: set[str] = set()
    with _quiet():
        for name, loader in loop.loaders.items():
            tasks = loop._begin(name)
            check_boxes(f'{loop.mode}_dataloader.{name}', loader.dataset)
            for index in _examples(loader.dataset, tasks):
                batch = pseudo_collate([loader.dataset[index]])
                outputs = _predicted(loop, batch)
                met |= _judge(loop, outputs, batch)
        loop._predict_only(None)
        return _names(loop, met)


def check_boxes(key: str, dataset: Any) -> None:
    """Boxes of evaluation must lie in the pixels of the original image.

    Args:
        key: Place of the stream in the config.
        dataset: Its data set.

    Raises:
        ConfigError: They were loaded before the image was resized.
    """
    ask = getattr(dataset, 'get_data_info', None)
    compared = 0
    for index in range(min(len(dataset), LOOKED_AT) if ask else 0):
        record = ask(index) if ask else {}
        truth = [thing['bbox'] for thing in record.get('instances') or ()
                 if not thing.get('ignore_flag')]
        if not truth or compared == COMPARED:
            continue
        compared += 1
        sample = dataset[index].get('data_samples')
        found = sample and sample.get('gt_instances', None)
        if not found or len(found) != len(truth):
            continue
        boxes = getattr(found.bboxes, 'tensor', found.bboxes)
        if (boxes - torch.tensor(truth)).abs().max() > 1:
            raise ConfigError(
                f'The boxes of `{key}` are resized with their images, but '
                'predictions are compared in the pixels of the original: '
                'place LoadLabels (or LoadAnnotations) behind the resize in '
                f'`{key}.dataset.pipeline`.')


def check_names(names: set[str] | None, runner: Any) -> None:
    """Whatever asks for a metric by name must find it.

    Args:
        names: Of all metrics, as :func:`rehearse` tells them.
        runner: The runner.

    Raises:
        ConfigError: ``val_cfg.selection``, ``save_best`` of a checkpoint
            hook or ``monitor`` of a schedule names another.
    """
    selection = getattr(runner.val_loop, 'selection', {})
    for name, weight in selection.items():
        if weight > 0 and runner.val_loop.lower_is_better(name):
            raise ConfigError(
                f'`val_cfg.selection` weighs {name!r} with {weight:g}, but '
                'lower is better there, and a high `score` is chosen: give '
                'it a negative weight.')
    if names is None:
        return
    wanted = {'val_cfg.selection': list(selection)}
    if selection:
        names = names | {'score'}
    for hook in runner.hooks:
        best = getattr(hook, 'save_best', None)
        best = [best] if isinstance(best, str) else list(best or ())
        wanted.setdefault('default_hooks.checkpoint.save_best', []).extend(
            name for name in best if name != 'auto')
        if type(hook).__name__ == 'EarlyStoppingHook' and hasattr(
                hook, 'monitor'):  # MMEngine's; others may monitor a loss
            wanted.setdefault(f'{type(hook).__name__}.monitor', []).append(
                hook.monitor)
    wanted['param_scheduler.monitor'] = [
        schedule.monitor for schedule in _schedules(runner.param_schedulers)
        if getattr(schedule, 'need_val_args', False)
    ]
    for key, asked in wanted.items():
        for name in asked:
            if name not in names:
                raise ConfigError(f'`{key}` names {name!r}, but the metrics '
                                  f'are {sorted(names)}.')


def _schedules(schedulers: Any) -> list[Any]:
    if isinstance(schedulers, Mapping):
        return [one for part in schedulers.values() for one in part]
    return list(schedulers or ())


def _examples(dataset: Any, tasks: tuple[str, ...]) -> set[int]:
    """The first image with each label; with boxes, if there are any."""
    ask = getattr(dataset, 'get_data_info', None)
    if ask is None:
        return {0}
    found: dict[str, int] = {}
    spare: dict[str, int] = {}
    for index in range(min(len(dataset), LOOKED_AT)):
        record = ask(index)
        for task in tasks:
            if task in found or task not in record.get('tasks', tasks):
                continue
            empty = task == DET and not record.get('instances', True)
            (spare if empty else found).setdefault(task, index)
        if len(found) == len(tasks):
            break
    return set((spare | found).values())


@torch.no_grad()
def _predicted(loop: Any, batch: Any) -> list[Any]:
    model = loop.runner.model
    model.eval()
    outputs: list[Any] = loop.predict(batch)
    for sample in outputs:
        # an untrained detector finds nothing, and metrics of nothing are none
        if 'gt_instances' in sample and 'pred_instances' in sample:
            sample.pred_instances = _as_found(sample.gt_instances)
    return outputs


def _as_found(truth: InstanceData) -> InstanceData:
    boxes = getattr(truth.bboxes, 'tensor', truth.bboxes)
    return InstanceData(
        bboxes=boxes.float(),
        labels=truth.labels,
        scores=torch.ones(len(truth.labels), device=boxes.device))


def _judge(loop: Any, outputs: list[Any], batch: Any) -> set[str]:
    """Give the samples to the metrics; tasks that were met."""
    met = set()
    for task, evaluator in loop.evaluators.items():
        carried = {t for s in outputs for t in s.metainfo.get('tasks', ())}
        if task not in carried or any(map(_writes, evaluator.metrics)):
            continue
        met.add(task)
        with _explained(loop, task, evaluator):
            evaluator.process(data_samples=outputs, data_batch=batch)
    return met


def _writes(metric: Any) -> bool:
    """Whether a metric leaves files, which would hold true boxes."""
    return any(
        getattr(metric, name, None)
        for name in ('outfile_prefix', 'out_file_path', 'output_dir',
                     'format_only'))


def _names(loop: Any, met: set[str]) -> set[str] | None:
    names: set[str] = set()
    sure = True
    for task, evaluator in loop.evaluators.items():
        if task not in met:
            evaluator.reset()
            sure = False
            continue
        with _explained(loop, task, evaluator):
            scores = evaluator.evaluate()
        loop.join_metrics(dict.fromkeys(names, 0.0), scores)
        sure = sure and bool(scores)
        names |= set(scores)
    return names if sure else None


@contextmanager
def _explained(loop: Any, task: str, evaluator: Any) -> Iterator[None]:
    """Errors of stock metrics become a sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        kinds = ', '.join(type(m).__name__ for m in evaluator.metrics)
        mend = 'mend its arguments, or take a metric of mmmultas'
        if any(getattr(m, '_coco_api', m) is None for m in evaluator.metrics):
            mend = 'give it `ann_file`, the json of the annotations'
        raise ConfigError(
            f'`{loop.mode}_evaluator.{task}` ({kinds}) cannot judge a sample '
            f'({type(error).__name__}: {error}): {mend}; '
            'MMMULTAS_TRACEBACK=1 shows where.') from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Tables of one image are of no use to anybody."""
    logger = MMLogger.get_current_instance()
    levels = [(logger, logger.level)] + [
        (handler, handler.level) for handler in logger.handlers]
    for one, _ in levels:
        one.setLevel(logging.CRITICAL)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        for one, level in levels:
            one.setLevel(level)
