"""Judge again what a test has written, without the network."""
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from numpy.typing import NDArray

from mmmultas.datasets.decode import decode_mask
from mmmultas.datasets.files import read_bytes, shown
from mmmultas.engine.streams import (build_eval_loader, check_streams,
                                     joint_metainfo)
from mmmultas.functional.confusion import (confusion_counts,
                                           detection_confusion, nearest_resize)
from mmmultas.registry import EVALUATOR
from mmmultas.structures import DET, SEG, annotated_for, has_task, sem_seg_data
from mmmultas.utils.checkpoint import atomic_path
from mmmultas.utils.errors import ConfigError, DataError
from mmmultas.utils.output_names import INDEX
from mmmultas.utils.progress import progress
from mmmultas.visualization.charts import draw_matrix

__all__ = [
    'Confusion', 'SavedPredictions', 'confusion_of', 'evaluate_saved',
    'labelled_samples', 'write_confusion'
]

_MAX_BYTES = 2**33


class _Detection(NamedTuple):
    bbox: tuple[float, ...]
    score: float
    label: int


class SavedPredictions:
    """What ``tools/test.py`` wrote by ``--out`` and ``--seg-out``.

    Args:
        paths: A JSON file of boxes, a folder of masks, or both.

    Raises:
        DataError: A path that does not exist or is no such file.
        ConfigError: Two files or two folders.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self._sources: dict[str, Path] = {}
        for path in map(Path, paths):
            if not path.exists():
                raise DataError(f'{path} does not exist: check the path.')
            task = SEG if path.is_dir() else DET
            if task in self._sources:
                raise ConfigError(
                    f'Both {self._sources[task]} and {path} hold predictions '
                    f'for {task!r}: give one file of boxes and one folder of '
                    'masks at most.')
            self._sources[task] = path
        self.classes: list[str] | None = None
        self._images: dict[tuple[str, str], list[_Detection]] = {}
        self._places: dict[str, str] = {}
        if DET in self._sources:
            self._read_boxes(self._sources[DET])
        if SEG in self._sources:
            self._places = _read_index(self._sources[SEG])

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that there are predictions for."""
        return tuple(self._sources)

    def attach(self, sample: DetDataSample) -> None:
        """Put the predictions of its image into a sample.

        Raises:
            DataError: There are none.
        """
        if DET in self._sources and has_task(sample, DET):
            sample.pred_instances = self._instances(sample)
        if SEG in self._sources and has_task(sample, SEG):
            sample.pred_sem_seg = sem_seg_data(self._mask(sample))

    def _read_boxes(self, path: Path) -> None:
        data = read_bytes(path, 'predictions', _MAX_BYTES)
        try:
            content = json.loads(data)
            self.classes = _names(content['classes'])
            for image in content['images']:
                key = _key(image['img_id'], image['img_path'])
                if key in self._images:
                    raise DataError(f'{path} holds image {shown(key[0])} '
                                    'twice.')
                self._images[key] = [
                    _detection(one, len(self.classes))
                    for one in image['detections']
                ]
        except DataError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f'{path} is no file of `tools/test.py --out` '
                            f'({type(error).__name__}: '
                            f'{shown(str(error))}).') from error

    def _instances(self, sample: DetDataSample) -> InstanceData:
        meta = sample.metainfo
        found = self._images.get(_key(meta['img_id'], meta['img_path']))
        if found is None:
            raise DataError(
                f'{self._sources[DET]} holds no prediction for '
                f'{meta["img_path"]}: test with this config first.')
        return InstanceData(
            bboxes=torch.tensor([one.bbox for one in found],
                                dtype=torch.float32).reshape(-1, 4),
            scores=torch.tensor([one.score for one in found],
                                dtype=torch.float32),
            labels=torch.tensor([one.label for one in found],
                                dtype=torch.int64))

    def _mask(self, sample: DetDataSample) -> torch.Tensor:
        image = str(sample.metainfo['img_path'])
        name = self._places.get(image, f'{Path(image).stem}.png')
        path = self._sources[SEG] / name
        if not path.is_file():
            raise DataError(f'{path} does not exist: test with this config '
                            'and --seg-out first.')
        labels = decode_mask(read_bytes(path, 'mask'), str(path))
        return torch.from_numpy(labels.astype(np.int64))[None]


def _read_index(folder: Path) -> dict[str, str]:
    """Where the masks of images of one name lie; nothing without them."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        places = json.loads(read_bytes(path, 'index'))
        if all('..' not in Path(place).parts and not Path(place).is_absolute()
               for place in places.values()):
            return dict(places)
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass
    raise DataError(f'{path} is no index of `tools/test.py --seg-out`: test '
                    'again.')


class Confusion(NamedTuple):
    """A confusion matrix.

    Attributes:
        task: Its task.
        counts: (R, R) int64, rows are the truth.
        names: R names; of boxes the last one is "nothing".
    """
    task: str
    counts: NDArray
    names: list[str]


def evaluate_saved(cfg: Mapping[str, Any],
                   predictions: SavedPredictions) -> dict[str, float]:
    """The metrics of ``test_evaluator``, as the test itself computes them.

    Raises:
        ConfigError: The config has no evaluator for a task.
        DataError: Predictions are missing or of other classes.
    """
    loaders, meta = _loaders(cfg, predictions)
    evaluators = []
    for task in predictions.tasks:
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
        for batch, samples in _joined(name, loader, predictions):
            for evaluator in evaluators:
                evaluator.process(data_samples=samples, data_batch=batch)
    scores: dict[str, float] = {}
    for evaluator in evaluators:
        scores.update(evaluator.evaluate())
    return scores


def confusion_of(cfg: Mapping[str, Any],
                 predictions: SavedPredictions,
                 task: str,
                 score_thr: float = 0.3,
                 iou_thr: float = 0.5) -> Confusion:
    """Which class is taken for which.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        task: ``det`` or ``seg``.
        score_thr: Boxes under this score are left out.
        iou_thr: Boxes must overlap by more to be taken for one another.

    Raises:
        ConfigError: There are no predictions for the task, or the data do
            not carry it.
    """
    names, samples = labelled_samples(cfg, predictions, task)
    count = len(names)
    total = np.zeros((count + 1, count + 1), np.int64)
    for sample in samples:
        if task == DET:
            total += _box_counts(sample, count, score_thr, iou_thr)
        else:
            total[:-1, :-1] += _pixel_counts(sample, count)
    if task == DET:
        return Confusion(task, total, [*names, 'nothing'])
    return Confusion(task, total[:-1, :-1], names)


def labelled_samples(
        cfg: Mapping[str, Any], predictions: SavedPredictions,
        task: str) -> tuple[list[str], Iterator[DetDataSample]]:
    """The test's samples with a task's truth and predictions.

    Args:
        cfg: Config with the test data.
        predictions: What the test wrote.
        task: ``det`` or ``seg``.

    Returns:
        tuple: The classes of the task, and the samples one by one.

    Raises:
        ConfigError: There are no predictions for the task, or the data do
            not carry it.
    """
    if task not in predictions.tasks:
        raise ConfigError(f'There are no predictions for {task!r}: det wants '
                          'the file of --out, seg the folder of --seg-out.')
    loaders, meta = _loaders(cfg, predictions)
    samples = (_whole(sample, task) for name, loader in loaders.items()
               for _, samples in _joined(name, loader, predictions)
               for sample in samples if has_task(sample, task))
    return list(meta[task]['classes']), samples


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
    unit = 'boxes' if confusion.task == DET else 'pixels'
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
    known = predictions.classes
    if known and known != list(meta[DET]['classes']):
        raise DataError(
            f'The boxes are of the classes {known[0]} ... {known[-1]} '
            f'({len(known)}), the data set has others: give the config that '
            'they were made with.')
    return loaders, meta


def _joined(name: str, loader: Any, predictions: SavedPredictions
            ) -> Iterator[tuple[Any, list[DetDataSample]]]:
    """Batches with samples that hold truth and predictions."""
    for batch in progress(loader, what=f'read {name}'):
        samples = batch['data_samples']
        samplelist_boxtype2tensor(samples)
        for sample in samples:
            if 'gt_sem_seg' in sample:
                sample.gt_sem_seg = sem_seg_data(
                    sample.gt_sem_seg.sem_seg.long())
            predictions.attach(sample)
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


def _key(img_id: Any, img_path: Any) -> tuple[str, str]:
    return str(img_id), Path(str(img_path)).name


def _names(classes: Any) -> list[str]:
    if not isinstance(classes, list) or not classes or not all(
            isinstance(name, str) for name in classes):
        raise TypeError('`classes` is no list of names')
    return classes


def _detection(entry: Any, count: int) -> _Detection:
    bbox, score, label = (entry[key] for key in ('bbox', 'score', 'label'))
    numbers = [*bbox, score]
    # a comparison first: an int may be too large for a float
    if len(bbox) != 4 or not all(
            type(v) in (int, float) and abs(v) <= 1e9 for v in numbers):
        raise ValueError('a bbox or score is no finite number')
    if type(label) is not int or not 0 <= label < count:
        raise ValueError('a label is no number of a class')
    return _Detection(tuple(map(float, bbox)), float(score), label)
