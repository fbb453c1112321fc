"""Detection metric of PASCAL VOC, averaged over IoU thresholds."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmmultas.functional.average_precision import (detection_ap,
                                                   match_detections)
from mmmultas.registry import METRICS
from mmmultas.utils.errors import ConfigError

from .tables import score_text, text_table

__all__ = ['VOCDetMetric']

COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


@METRICS.register_module()
class VOCDetMetric(BaseMetric):
    """mAP@[.50:.95:.05], AP50 and AP75 in the VOC convention, in percent.

    Widths are ``x2 - x1 + 1``, an overlap must be strictly greater than its
    threshold, and a detection of a difficult box (``ignored_instances``) is
    neither right nor wrong. Where these are COCO's crowds (metainfo
    ``crowds``), so is one that hits no object and lies in a crowd by more
    than the threshold, as a share of its own area. Classes without ground
    truth are shown as n/a and left out of every mean.

    In an image that is annotated for some classes only, detections of the
    others are left out: they are neither right nor wrong.

    Args:
        ap_mode: ``'area'`` (VOC2010 and later) or ``'11points'`` (VOC2007).
        iou_thrs: Thresholds that ``mAP`` is the mean over.
        report: Thresholds to report one by one; by default 0.5 and 0.75 as
            far as ``iou_thrs`` has them, and all of ``iou_thrs`` if it has
            neither (VEDAI: ``iou_thrs=(0.1, 0.25)`` gives AP10 and AP25).
        class_agnostic: Judge the boxes alone, all classes as one.
        min_gt: Report also the means over the classes with at least this
            many ground-truth boxes (``AP50_min20`` for 20).
        collect_device: As in mmengine's ``BaseMetric``.
        prefix: As in mmengine's ``BaseMetric``; ``'det'`` by default.

    Raises:
        ConfigError: An argument is out of range.
    """

    default_prefix = 'det'
    higher_is_better = ('mAP', 'AP50', 'AP75')
    #: ``asked_classes`` of a sample are the only ones that are judged.
    partial_classes = True

    def __init__(self,
                 ap_mode: str = 'area',
                 iou_thrs: Sequence[float] = COCO_THRESHOLDS,
                 report: Sequence[float] | None = None,
                 class_agnostic: bool = False,
                 min_gt: int | None = None,
                 collect_device: str = 'cpu',
                 prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if ap_mode not in ('area', '11points'):
            raise ConfigError("`ap_mode` of VOCDetMetric wants 'area' or "
                              f"'11points', not {ap_mode!r}.")
        if not iou_thrs or not all(0 <= thr < 1 for thr in iou_thrs):
            raise ConfigError('`iou_thrs` of VOCDetMetric wants numbers in '
                              f'[0, 1), not {iou_thrs!r}.')
        if min_gt is not None and min_gt < 1:
            raise ConfigError('`min_gt` of VOCDetMetric wants a positive '
                              f'number or None, not {min_gt!r}.')
        self.ap_mode = ap_mode
        self.iou_thrs = tuple(iou_thrs)
        self.class_agnostic = class_agnostic
        self.min_gt = min_gt
        self.report = self._thresholds_to_report(report)

    def _thresholds_to_report(
            self, report: Sequence[float] | None) -> tuple[float, ...]:
        if report is None:
            usual = tuple(t for t in (0.5, 0.75) if t in self.iou_thrs)
            return usual or self.iou_thrs
        unknown = [thr for thr in report if thr not in self.iou_thrs]
        if unknown:
            raise ConfigError('`report` of VOCDetMetric names thresholds '
                              f'that `iou_thrs` does not have: {unknown}.')
        return tuple(report)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Store per sample what AP needs: partners, scores and box counts.

        Raises:
            ConfigError: A sample has no prediction, no ground truth, or a
                label outside the classes.
        """
        self.results.extend(self._reduce(sample) for sample in data_samples)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means over the classes with ground truth; prints the table."""
        num_gt = np.sum([entry['num_gt'] for entry in results], axis=0)
        ap_KT = self._class_ap(results, num_gt)
        self._print_table(ap_KT, num_gt)
        scores = self._means(ap_KT[num_gt > 0])
        if self.min_gt is not None:
            enough = self._means(ap_KT[num_gt >= self.min_gt])
            scores.update({
                f'{name}_min{self.min_gt}': value
                for name, value in enough.items()
            })
        return scores

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the rows of the table."""
        if self.class_agnostic:
            return ('object', )
        return tuple((self.dataset_meta or {})['classes'])

    def _reduce(self, sample: dict) -> dict[str, NDArray]:
        for field in ('pred_instances', 'gt_instances'):
            if field not in sample:
                raise ConfigError(
                    f'VOCDetMetric finds no `{field}` in '
                    f'{sample.get("img_path", "a sample")}: `heads` must '
                    'have a detector and the data set load boxes.')
        truth, ignored = sample['gt_instances'], sample.get(
            'ignored_instances', dict(bboxes=np.zeros((0, 4)), labels=[]))
        predicted = _asked(sample['pred_instances'],
                           sample.get('asked_classes'))
        labels = self._labels(predicted)
        gt_labels, hard_labels = self._labels(truth), self._labels(ignored)
        boxes, hard = (_array(part['bboxes']).reshape(-1, 4)
                       for part in (truth, ignored))
        crowd = np.arange(len(boxes) + len(hard)) >= len(boxes)
        overlaps, partners, covers = match_detections(
            _array(predicted['bboxes']), labels, np.concatenate((boxes, hard)),
            np.concatenate((gt_labels, hard_labels)),
            crowd & bool(sample.get('crowds')))
        return dict(
            covers=covers,
            scores=_array(predicted['scores']),
            labels=labels.astype(np.int32),
            overlaps=overlaps,
            partners=partners.astype(np.int32),
            num_gt=np.bincount(gt_labels, minlength=len(self.class_names)),
            num_boxes=np.array(len(gt_labels) + len(hard_labels)))

    def _labels(self, instances: dict) -> NDArray:
        labels = _array(instances['labels']).astype(np.int64)
        if self.class_agnostic:
            return np.zeros_like(labels)
        if len(labels) and labels.max() >= len(self.class_names):
            raise ConfigError(
                f'VOCDetMetric meets label {labels.max()}, but the data set '
                f'has {len(self.class_names)} classes: mend `num_classes` of '
                'the detection head.')
        return labels

    def _class_ap(self, results: list, num_gt: NDArray) -> NDArray:
        """AP (K, T) in percent, nan without ground truth."""
        scores, labels, overlaps, covers = (
            np.concatenate([entry[name] for entry in results])
            for name in ('scores', 'labels', 'overlaps', 'covers'))
        # Number the boxes of the data set; difficult ones stand last in
        # their image.
        sizes = [len(entry['partners']) for entry in results]
        boxes = np.array([int(entry['num_boxes']) for entry in results])
        valid = np.array([int(entry['num_gt'].sum()) for entry in results])
        partners = np.concatenate([entry['partners'] for entry in results])
        ignored = partners >= np.repeat(valid, sizes)
        offsets = np.repeat(np.cumsum(boxes) - boxes, sizes)
        gt_ids = np.where(partners < 0, -1, partners + offsets)
        thresholds = np.array(self.iou_thrs)
        ap = []
        for label, count in enumerate(num_gt):
            own = labels == label
            ap.append(
                detection_ap(scores[own], overlaps[own], gt_ids[own],
                             ignored[own], count, thresholds, self.ap_mode,
                             covers[own]))
        return 100 * np.stack(ap)

    def _means(self, ap_KT: NDArray) -> dict[str, float]:
        """nan when no class is left."""
        columns = {'mAP': slice(None)} | {
            f'AP{100 * thr:g}': [self.iou_thrs.index(thr)]
            for thr in self.report
        }
        return {
            name: float(ap_KT[:, column].mean()) if len(ap_KT) else np.nan
            for name, column in columns.items()
        }

    def _print_table(self, ap_KT: NDArray, num_gt: NDArray) -> None:
        names = (*self.class_names, f'mean of {(num_gt > 0).sum()}')
        counts = (*num_gt, num_gt.sum())
        scores = [self._means(row[None]) for row in ap_KT]
        scores.append(self._means(ap_KT[num_gt > 0]))
        rows = [(name, str(count), *map(score_text, row.values()))
                for name, count, row in zip(names, counts, scores)]
        table = text_table(('class', 'boxes', *scores[0]), rows)
        print_log(
            f'Detection (VOC convention, {self.ap_mode} AP, percent):\n'
            f'{table}',
            logger='current')


def _asked(predicted: Any, classes: Sequence[int] | None) -> Any:
    """Predictions of the classes that somebody looked for; None for all."""
    if classes is None:
        return predicted
    keep = np.isin(_array(predicted['labels']), classes)
    return {name: _array(predicted[name])[keep]
            for name in ('bboxes', 'scores', 'labels')}


def _array(values: Any) -> NDArray:
    """A tensor, box structure or array as a NumPy array."""
    values = getattr(values, 'tensor', values)
    if hasattr(values, 'detach'):
        values = values.detach().cpu().numpy()
    return np.asarray(values)
