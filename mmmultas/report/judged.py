"""The saved predictions of a test against its truth, read once."""
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.structures import DetDataSample
from mmengine.registry import DefaultScope
from numpy.typing import NDArray

from mmmultas.analysis.pr_curves import boxes_of
from mmmultas.analysis.saved_predictions import SavedPredictions
from mmmultas.engine.streams import (build_eval_loader, check_streams,
                                     joint_metainfo)
from mmmultas.evaluation.tide import ImageBoxes
from mmmultas.functional.average_precision import (match_detections,
                                                   detection_ap, mark_hits,
                                                   precision_recall)
from mmmultas.functional.confusion import (confusion_counts,
                                           detection_confusion,
                                           nearest_resize,
                                           segmentation_scores)
from mmmultas.structures import (DET, SEG, canonical_name, has_task,
                                 view_of)
from mmmultas.utils.errors import DataError
from mmmultas.utils.progress import progress

__all__ = [
    'ImageScores', 'Judged', 'Truth', 'TruthImage', 'attached', 'best_boxes',
    'judge', 'read_truth'
]

IOU_THR = np.array([0.5])
SCORE_THR = 0.3


class TruthImage(NamedTuple):
    """Labels of a test image.

    Attributes:
        meta: Its ``metainfo``.
        boxes: xyxy pixels (M, 4).
        labels: (M,).
        hard: (M,) bool, difficult ones.
        packed: Shape and compressed classes of the pixels, or None.
    """
    meta: Mapping[str, Any]
    boxes: NDArray
    labels: NDArray
    hard: NDArray
    packed: tuple[tuple[int, ...], bytes] | None

    @property
    def mask(self) -> NDArray | None:
        """Classes of the pixels (H, W) uint8."""
        if self.packed is None:
            return None
        shape, data = self.packed
        return np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)


class Truth(NamedTuple):
    """Labels of a test.

    Attributes:
        meta: ``classes`` and ``palette`` of each task.
        images: The images in order.
    """
    meta: Mapping[str, Any]
    images: list[TruthImage]

    def classes(self, task: str) -> list[str]:
        """Names of a task's classes."""
        return list(self.meta[task]['classes'])


class ImageScores(NamedTuple):
    """Scores of an image alone, in percent; None without labels.

    Attributes:
        found: Share of its n labelled objects that its n best boxes hit,
            each with the right class and an IoU above 0.5.
        miou: Mean IoU of the classes in its truth or prediction.
    """
    found: float | None
    miou: float | None


@dataclass
class Judged:
    """What a run's predictions are worth.

    Attributes:
        ap50: Class → AP at IoU 0.5 in percent.
        iou: Class → IoU in percent.
        boxes: Class → number of boxes that are not difficult.
        curves: Class → recall and precision.
        confusions: Task → counts, rows are the truth.
        images: Truth and boxes of each image, for TIDE.
        scores: Path of the image → its own scores.
    """
    ap50: dict[str, float] = field(default_factory=dict)
    iou: dict[str, float] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    curves: dict[str, tuple[NDArray, NDArray]] = field(default_factory=dict)
    confusions: dict[str, NDArray] = field(default_factory=dict)
    images: list[ImageBoxes] = field(default_factory=list)
    scores: dict[str, ImageScores] = field(default_factory=dict)


def read_truth(cfg: Mapping[str, Any], task: str | None = None,
               kind: str = '') -> Truth:
    """The labels of ``test_dataloader``.

    Args:
        cfg: The config.
        task: A task of boxes or classes whose labels are told as those of
            det or seg; None for det and seg themselves.
        kind: Of that task.

    Raises:
        ConfigError: The config has no test data.
        DataError: They are not on this machine, or broken.
    """
    streams = cfg.get('test_dataloader')
    check_streams('test_dataloader', streams)
    assert streams is not None
    images: list[TruthImage] = []
    with DefaultScope.overwrite_default_scope('mmdet'):
        loaders = {
            name: build_eval_loader('test_dataloader', name, stream, 0)
            for name, stream in streams.items() if stream is not None
        }
        for name, loader in loaders.items():
            for batch in progress(loader, what=f'truth of {name}'):
                samples = batch['data_samples']
                samplelist_boxtype2tensor(samples)
                if task is not None:
                    samples = [view_of(sample, task, kind)
                               for sample in samples if has_task(sample, task)]
                images += map(_truth, samples)
    meta = joint_metainfo([loader.dataset for loader in loaders.values()])
    if task is not None:
        meta = {canonical_name(kind): meta[task]}
    return Truth(meta, images)


def judge(truth: Truth, predictions: SavedPredictions) -> Judged:
    """Judge the predictions of one run.

    Raises:
        DataError: Predictions are missing, of other classes or sizes.
    """
    found = Judged()
    known = predictions.classes
    if known and known != truth.classes(DET):
        raise DataError('the boxes are of other classes than the test data')
    rows: list[tuple[NDArray, ...]] = []
    pixels = None
    first = 0
    for image in truth.images:
        sample = attached(image, predictions)
        share = miou = None
        if 'pred_instances' in sample:
            row = _matched(image, sample, first)
            rows.append(row)
            share = _found_share(image, row)
            found.images.append(_image_boxes(image, sample))
        if 'pred_sem_seg' in sample:
            counts = _pixels(image, sample, len(truth.classes(SEG)))
            pixels = counts if pixels is None else pixels + counts
            miou = 100 * segmentation_scores(counts)[0].nanmean().item()
        first += len(image.labels)
        found.scores[str(image.meta['img_path'])] = ImageScores(share, miou)
    if rows:
        _judge_boxes(found, truth, rows)
    if pixels is not None:
        iou = 100 * segmentation_scores(pixels)[0]
        found.iou = {name: value for name, value in zip(
            truth.classes(SEG), iou.tolist()) if value == value}
        found.confusions[SEG] = pixels.numpy()
    return found


def attached(image: TruthImage,
             predictions: SavedPredictions) -> DetDataSample:
    """A sample with the predictions of an image, without its truth.

    Raises:
        DataError: There are none.
    """
    sample = DetDataSample(metainfo=dict(image.meta))
    predictions.attach(sample)
    return sample


def _truth(sample: DetDataSample) -> TruthImage:
    meta = {
        key: sample.metainfo[key]
        for key in ('img_id', 'img_path', 'tasks', 'ori_shape', 'exif',
                    'crowds')
        if key in sample.metainfo
    }
    boxes, labels, hard = (
        boxes_of(sample) if has_task(sample, DET) else
        (np.zeros((0, 4)), np.zeros(0, int), np.zeros(0, bool)))
    packed = None
    if has_task(sample, SEG):
        mask = sample.gt_sem_seg.sem_seg[0].numpy().astype(np.uint8)
        packed = mask.shape, zlib.compress(mask.tobytes(), 1)
    return TruthImage(meta, boxes, labels, hard, packed)


def _matched(image: TruthImage, sample: DetDataSample,
             first: int) -> tuple[NDArray, ...]:
    """Labels, scores, overlaps, partners, whether difficult, covers."""
    found = sample.pred_instances
    labels = found.labels.numpy()
    overlaps, partners, covers = match_detections(
        found.bboxes.numpy(), labels, image.boxes, image.labels,
        image.hard & image.meta.get('crowds', False))
    hard = np.append(image.hard, False)[partners]  # -1, no partner: False
    return (labels, found.scores.numpy(), overlaps,
            np.where(partners < 0, -1, partners + first), hard, covers)


def best_boxes(scores: NDArray, image: TruthImage) -> NDArray:
    """Places of as many boxes as an image has objects, the best first."""
    return np.argsort(-scores, kind='stable')[:int((~image.hard).sum())]


def _found_share(image: TruthImage, row: Sequence[NDArray]) -> float | None:
    count = int((~image.hard).sum())
    if not count:
        return None
    _, scores, overlaps, gt_ids, hard, _ = row
    best = best_boxes(scores, image)
    hits, _ = mark_hits(overlaps[best], gt_ids[best], hard[best], IOU_THR)
    return 100 * float(hits.sum()) / count


def _ap(columns: Sequence[NDArray], label: int, count: int) -> float:
    own = columns[0] == label
    scores, overlaps, gt_ids, hard, covers = (v[own] for v in columns[1:])
    return 100 * float(
        detection_ap(scores, overlaps, gt_ids, hard, count, IOU_THR,
                     covers_N=covers)[0])


def _image_boxes(image: TruthImage, sample: DetDataSample) -> ImageBoxes:
    found = sample.pred_instances
    return ImageBoxes(image.boxes, image.labels, image.hard,
                      found.bboxes.numpy(), found.labels.numpy(),
                      found.scores.numpy())


def _judge_boxes(found: Judged, truth: Truth,
                 rows: Sequence[tuple[NDArray, ...]]) -> None:
    classes = truth.classes(DET)
    columns = [np.concatenate(column) for column in zip(*rows)]
    num_gt = sum((np.bincount(i.labels[~i.ignored], minlength=len(classes))
                  for i in found.images), np.zeros(len(classes), np.int64))
    for label in np.flatnonzero(num_gt).tolist():
        name, count = classes[label], int(num_gt[label])
        found.boxes[name] = count
        found.ap50[name] = _ap(columns, label, count)
        found.curves[name] = _curve(columns, label, count)
    total = np.zeros((len(classes) + 1, len(classes) + 1), np.int64)
    for i in found.images:
        sure = i.scores >= SCORE_THR
        total += detection_confusion(i.found[sure], i.found_labels[sure],
                                     i.boxes, i.labels, i.ignored,
                                     len(classes), float(IOU_THR[0]))
    found.confusions[DET] = total


def _curve(columns: Sequence[NDArray], label: int,
           count: int) -> tuple[NDArray, NDArray]:
    own = columns[0] == label
    scores, overlaps, gt_ids, hard, covers = (v[own] for v in columns[1:])
    order = np.argsort(-scores, kind='stable')
    tp, fp = mark_hits(overlaps[order], gt_ids[order], hard[order], IOU_THR,
                       covers[order])
    counted = (tp | fp)[0]
    precision, recall = precision_recall(tp[:, counted], fp[:, counted],
                                         count)
    return recall[0], precision[0]


def _pixels(image: TruthImage, sample: DetDataSample,
            count: int) -> torch.Tensor:
    found, mask = sample.pred_sem_seg.sem_seg[0], image.mask
    if mask is None:
        return torch.zeros(count, count, dtype=torch.int64)
    labels = torch.from_numpy(mask.astype(np.int64))
    if labels.shape != found.shape:  # a test with `eval_size`
        labels = nearest_resize(labels, (found.shape[0], found.shape[1]))
    try:
        return confusion_counts(found, labels, count)
    except ValueError as error:
        raise DataError(f'the mask of {Path(image.meta["img_path"]).name} '
                        f'does not fit: {error}') from error
