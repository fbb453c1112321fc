"""Judge again what a test has written, without the network."""
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.structures import DetDataSample
from numpy.typing import NDArray

from mmmultas.engine.streams import (build_eval_loader, check_streams,
                                     joint_metainfo)
from mmmultas.functional.confusion import (confusion_counts,
                                           detection_confusion, nearest_resize)
from mmmultas.registry import EVALUATOR
from mmmultas.structures import (BOXES, CLASSES, annotated_for, gt_field,
                                 has_task, kind_of, sem_seg_data, view_of)
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.progress import progress
from mmmultas.visualization.charts import draw_matrix

from .prediction_sources import SavedPredictions

__all__ = [
    'CONFUSED', 'Confusion', 'Labelled', 'SavedPredictions', 'confusion_of',
    'evaluate_saved', 'fitting_task', 'fitting_tasks', 'labelled_samples',
    'write_confusion'
]

#: Kinds whose classes can be taken for one another.
CONFUSED = (BOXES, CLASSES)

class Confusion(NamedTuple):
    """A confusion matrix.

    Attributes:
        task: Its task.
        counts: (R, R) int64, rows are the truth.
        names: R names; of boxes the last one is "nothing".
        kind: Of the task.
    """
    task: str
    counts: NDArray
    names: list[str]
    kind: str


class Labelled(NamedTuple):
    """A task of a test with truth and predictions.

    Attributes:
        task: Its name.
        kind: Its kind.
        classes: Their names.
        samples: One by one; labels and predictions have the names that those
            of 'det' or 'seg' have.
    """
    task: str
    kind: str
    classes: list[str]
    samples: Iterator[DetDataSample]


def evaluate_saved(cfg: Mapping[str, Any],
                   predictions: SavedPredictions,
                   tasks: Sequence[str] | None = None) -> dict[str, float]:
    """The metrics of ``test_evaluator``, as the test itself computes them.

    Maps of numbers were rounded when they were written (normals to 8 bits,
    depth to its steps), which later digits show.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        tasks: Those that are judged, by default all.

    Raises:
        ConfigError: The config has no evaluator for a task.
        DataError: Predictions are missing or of other classes.
    """
    loaders, meta = _loaders(cfg, predictions)
    evaluators = []
    for task in predictions.tasks if tasks is None else tasks:
        if task not in predictions.tasks:
            raise ConfigError(f'There are no predictions for {task!r}; have '
                              f'{", ".join(predictions.tasks)}.')
        metrics = (cfg.get('test_evaluator') or {}).get(task)
        if metrics is None:
            raise ConfigError(f'`test_evaluator` has no metrics for {task!r}:'
                              ' leave its predictions out.')
        evaluators.append(
            EVALUATOR.build(
                dict(
                    type='mmmultas.TaskEvaluator', task=task,
                    metrics=metrics)))
        evaluators[-1].dataset_meta = meta
    for name, loader in loaders.items():
        for evaluator in evaluators:
            evaluator.begin_stream(len(loader.dataset))
        for batch, samples in _joined(name, loader, predictions, meta):
            for evaluator in evaluators:
                evaluator.process(data_samples=samples, data_batch=batch)
    scores: dict[str, float] = {}
    for evaluator in evaluators:
        scores.update(evaluator.evaluate())
    return scores


def confusion_of(cfg: Mapping[str, Any],
                 predictions: SavedPredictions,
                 task: str | None = None,
                 score_thr: float = 0.3,
                 iou_thr: float = 0.5) -> Confusion:
    """Which class is taken for which.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        task: Of kind boxes or classes; None where there is one alone.
        score_thr: Boxes under this score are left out.
        iou_thr: Boxes must overlap by more to be taken for one another.

    Raises:
        ConfigError: There are no predictions for the task, or the data do
            not carry it.
    """
    task, kind, names, samples = labelled_samples(cfg, predictions, task,
                                                  CONFUSED)
    count = len(names)
    total = np.zeros((count + 1, count + 1), np.int64)
    for sample in samples:
        if kind == BOXES:
            total += _box_counts(sample, count, score_thr, iou_thr)
        else:
            total[:-1, :-1] += _pixel_counts(sample, count)
    if kind == BOXES:
        return Confusion(task, total, [*names, 'nothing'], kind)
    return Confusion(task, total[:-1, :-1], names, kind)


def fitting_tasks(cfg: Mapping[str, Any], predictions: SavedPredictions,
                  kinds: Sequence[str]) -> list[str]:
    """Tasks of these kinds that there are predictions for."""
    meta = _loaders(cfg, predictions)[1]
    return [task for task in predictions.tasks
            if kind_of(task, meta) in kinds]


def fitting_task(cfg: Mapping[str, Any], predictions: SavedPredictions,
                 task: str | None, kinds: Sequence[str]) -> str:
    """A task of a kind that an analysis is made for.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        task: The one that is asked for; None for the only one that fits.
        kinds: That fit.

    Raises:
        ConfigError: It does not fit, or none does, or several do.
    """
    return _fitting(_loaders(cfg, predictions)[1], predictions, task, kinds)


def _fitting(meta: Mapping[str, Any], predictions: SavedPredictions,
             task: str | None, kinds: Sequence[str]) -> str:
    fit = [t for t in predictions.tasks if kind_of(t, meta) in kinds]
    if task in fit:
        return str(task)
    of = ' or '.join(kinds)
    if task is not None and task not in predictions.tasks:
        raise ConfigError(
            f'There are no predictions for {task!r}, but for '
            f'{", ".join(predictions.tasks)}: det wants the file of --out, '
            'seg the folder of --seg-out, others that of --out-dir.')
    if task is None and len(fit) == 1:
        return fit[0]
    if not fit:
        raise ConfigError(
            f'There are no predictions of {of}, but for '
            f'{", ".join(predictions.tasks)}: det wants the file of --out, '
            'seg the folder of --seg-out, others that of --out-dir.')
    if task is None:
        raise ConfigError(f'Several tasks are of {of}: choose one by --task, '
                          f'{", ".join(fit)}.')
    raise ConfigError(f'{task!r} is no task of {of} with predictions: choose '
                      f'from {", ".join(fit)}.')


def labelled_samples(
    cfg: Mapping[str, Any],
    predictions: SavedPredictions,
    task: str | None = None,
    kinds: Sequence[str] = (BOXES, )
) -> Labelled:
    """The test's samples with a task's truth and predictions.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        task: The task; None for the only one that fits.
        kinds: Those that fit.

    Raises:
        ConfigError: There are no predictions for the task, the data do not
            carry it, or its kind does not fit.
    """
    loaders, meta = _loaders(cfg, predictions)
    task = _fitting(meta, predictions, task, kinds)
    kind = kind_of(task, meta)
    samples = (view_of(_whole(sample, task), task, kind)
               for name, loader in loaders.items()
               for _, samples in _joined(name, loader, predictions, meta)
               for sample in samples if has_task(sample, task))
    return Labelled(task, kind, list(meta[task]['classes']), samples)


def _whole(sample: DetDataSample, task: str) -> DetDataSample:
    """A sample that is annotated for all classes of a task.

    Raises:
        ConfigError: It is not: others would be counted as wrong.
    """
    meta = sample.metainfo
    if annotated_for(meta, task) is not None:
        raise ConfigError(
            f'{meta["img_path"]} is annotated for some classes of {task!r} '
            'only, and this analysis would count the others as wrong: '
            'analyse images that are annotated for all of them '
            '(eval_metric.py leaves the others out).')
    return sample


def write_confusion(confusion: Confusion, out_dir: str | Path,
                    **settings: Any) -> list[Path]:
    """Write ``TASK_confusion.json`` and ``.png`` into a folder.

    Args:
        confusion: The matrix.
        out_dir: The folder; made where it is missing.
        **settings: What else the JSON says.
    """
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f'{confusion.task}_confusion'
    with atomic_path(folder / f'{stem}.json') as part:
        part.write_text(
            json.dumps(
                dict(
                    task=confusion.task,
                    names=confusion.names,
                    rows='truth',
                    columns='prediction',
                    counts=confusion.counts.tolist(),
                    **settings)))
    unit = 'boxes' if confusion.kind == BOXES else 'pixels'
    draw_matrix(confusion.counts, confusion.names, confusion.names,
                f'{confusion.task}: {unit}, percent of each true class',
                folder / f'{stem}.png')
    return [folder / f'{stem}.json', folder / f'{stem}.png']


def _loaders(cfg: Mapping[str, Any],
             predictions: SavedPredictions) -> tuple[dict[str, Any], dict]:
    """The test's loaders and the classes of its tasks, checked."""
    streams = cfg.get('test_dataloader')
    check_streams('test_dataloader', streams)
    assert streams is not None
    loaders = {
        name: build_eval_loader('test_dataloader', name, stream, 0)
        for name, stream in streams.items() if stream is not None
    }
    meta = joint_metainfo([loader.dataset for loader in loaders.values()])
    for task in predictions.tasks:
        if task not in meta['tasks']:
            raise ConfigError(f'No data set of `test_dataloader` carries '
                              f'labels for {task!r}: leave its predictions '
                              'out.')
        known = predictions.classes_of(task)
        if known and known != list(meta[task]['classes']):
            raise DataError(
                f'The boxes are of the classes {known[0]} ... {known[-1]} '
                f'({len(known)}), the data set has others: give the config '
                'that they were made with.')
    return loaders, meta


def _joined(name: str, loader: Any, predictions: SavedPredictions,
            meta: Mapping[str, Any]
            ) -> Iterator[tuple[Any, list[DetDataSample]]]:
    """Batches with samples that hold truth and predictions."""
    for batch in progress(loader, what=f'read {name}'):
        samples = batch['data_samples']
        samplelist_boxtype2tensor(samples)
        for sample in samples:
            for task in meta['tasks']:
                field = gt_field(task)
                if kind_of(task, meta) == CLASSES and field in sample:
                    setattr(sample, field, sem_seg_data(
                        sample.get(field).sem_seg.long()))
            predictions.attach(sample, meta)
        yield batch, samples


def _box_counts(sample: DetDataSample, count: int, score_thr: float,
                iou_thr: float) -> NDArray:
    found = sample.pred_instances
    found = found[found.scores >= score_thr]
    parts = [sample.gt_instances]
    if 'ignored_instances' in sample:
        parts.append(sample.ignored_instances)
    return detection_confusion(
        found.bboxes.numpy(), found.labels.numpy(),
        np.concatenate([part.bboxes.numpy() for part in parts]),
        np.concatenate([part.labels.numpy() for part in parts]),
        np.repeat([False, True][:len(parts)], [len(p) for p in parts]), count,
        iou_thr)


def _pixel_counts(sample: DetDataSample, count: int) -> NDArray:
    found = sample.pred_sem_seg.sem_seg[0]
    truth = sample.gt_sem_seg.sem_seg[0]
    if truth.shape != found.shape:  # a test with `eval_size`
        truth = nearest_resize(truth, (found.shape[0], found.shape[1]))
    try:
        return confusion_counts(found, truth, count).numpy()
    except ValueError as error:
        raise DataError(f'The mask of {sample.metainfo["img_path"]} does not '
                        f'fit: {error}.') from error
