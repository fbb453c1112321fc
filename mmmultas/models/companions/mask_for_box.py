"""Masks teach boxes."""
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.functional.mask_supervision import (class_cover, kept_blobs,
                                                  refined_blobs,
                                                  uncertain_entries)
from mmmultas.registry import MODELS
from mmmultas.structures import DET, SEG, annotated_for
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision
from mmmultas.utils.values import number_of

from ..losses.loss_sum import LossSum
from ..multitask.taps import OUTPUTS
from ..tasks.base import pooled
from .average import Average, check_detects
from .base import Asked, Update
from .blobs import blobs_of
from .label_spaces import NO_CLASS, Given, Pair
from .mask_view import pixels_of, unclear_boxes
from .weak import WeakCompanion

__all__ = ['MaskForBox']


@MODELS.register_module()
class MaskForBox(WeakCompanion):
    """An anchor head learns from images that have a mask and no boxes.

    The connected parts of each class ("blobs") are its objects, but for
    those that are small beside the largest: occluders split objects far more
    often than neighbours merge. An anchor that shows much of a class without
    matching one of its blobs takes no part, nor does one of which the mask
    hides as much (255); all other anchors are negatives. Classes of boxes
    that the mask does not know take no part at all.

    Args:
        student: The network; given by it.
        key: Config key, for messages; given by the network.
        boxes: A task of boxes; all that share classes by default.
        masks: A task of masks; all that share classes by default.
        classes: Which pixel class a box class is, as of
            :class:`WeakCompanion`.
        weight: Factor of all losses.
        rel: Blobs smaller than this share of the largest of their class are
            no objects, nor background.
        min_area: Likewise of this share of the image, unless all of a class
            are so small.
        share: From this share of an anchor in a class on it takes no part.
        iou: From this overlap with a blob that is no object on, likewise.
        train_boxes: Whether the corners of boxes are learnt, too; else
            classes alone.
        refine: Whether detections of the network's moving average split
            blobs of several objects and merge parts of one.
        refine_begin: Share of the training after which it does.
        refine_score: Score from which on a detection counts.

    Raises:
        ConfigError: A head that gives no anchors, or a number out of its
            range.
    """
    reads, lacks = 'masks', 'boxes'

    def __init__(self,
                 student: Any,
                 key: str = 'model.companions.masks',
                 boxes: str | None = None,
                 masks: str | None = None,
                 classes: Given = None,
                 weight: float = 1.0,
                 rel: float = 0.25,
                 min_area: float = 0.0008,
                 share: float = 0.35,
                 iou: float = 0.4,
                 train_boxes: bool = True,
                 refine: bool = False,
                 refine_begin: float = 0.2,
                 refine_score: float = 0.5) -> None:
        super().__init__(student, key, boxes, masks, classes, weight)
        if not refine:
            self.refuse_idle(dict(refine_begin=refine_begin,
                                  refine_score=refine_score), 'refine=False')
        elif refine_begin == 1:
            raise ConfigError(
                f'`{key}.refine_begin` is 1, the end of the training, so that '
                '`refine` would change nothing: 0.2 is usual.')
        self.rel = number_of(f'`{key}.rel`', rel, 1)
        self.min_area = number_of(f'`{key}.min_area`', min_area, 1)
        self.share = number_of(f'`{key}.share`', share, 1)
        self.iou = number_of(f'`{key}.iou`', iou, 1)
        if not (self.share and self.iou):
            name = 'iou' if self.share else 'share'
            raise ConfigError(
                f'`{key}.{name}` is 0, so that anchors that touch nothing '
                'would take no part, either: 0.3 to 0.5 is usual.')
        self.train_boxes = train_boxes
        self.refine = refine
        self.refine_begin = number_of(f'`{key}.refine_begin`', refine_begin,
                                      1)
        self.refine_score = number_of(f'`{key}.refine_score`', refine_score,
                                      1)
        self.average = Average(key)

    def prepare(self, model: Any) -> None:
        """Refuse heads that would not say which anchors they score."""
        for task in {boxes for boxes, _ in self._tasks}:
            head = model.heads[task]
            if not hasattr(head, 'anchors_of'):
                raise ConfigError(
                    f'`{self.key}` says what each anchor shows, and the '
                    f'{type(head).__name__} of `{model.tasks[task].key}` '
                    'does not say which anchors it has: take '
                    "'mmmultas.MatchedRetinaHead', "
                    "'mmmultas.MatchedRetinaSepBNHead' or "
                    "'mmmultas.MultiLevelAnchorHead', or leave the companion "
                    'out.')
            if self.refine:
                check_detects(head, model.tasks[task].key,
                              f'{self.key}.refine')

    def meet_average(self, average: Any) -> None:
        """Take the moving average, whose detections refine blobs."""
        if self.refine:
            self.average.meet(average)

    def terms(self, model: Any) -> list[tuple[str, str]]:
        """The head's own terms."""
        return [('weak', f'{task}.{term}')
                for task in dict.fromkeys(pair.boxes for pair in self.pairs)
                for term in self._terms(model.heads[task])]

    def _terms(self, head: Any) -> list[str]:
        return [term for term in head.loss_terms
                if self.train_boxes or 'bbox' not in term]

    def needs(self, update: Update) -> Asked:
        """The heads of boxes, on images that have a mask and no boxes."""
        asked = Asked()
        for pair in self.pairs:
            for stream, batch in update.samples.items():
                rows = self.rows(batch, pair.masks, pair.boxes)
                if rows:
                    asked.add(pair.boxes, stream, rows, OUTPUTS)
        return asked

    def sums(self, update: Update) -> dict[str, dict[str, LossSum]]:
        """The head's terms over all images with a mask and no boxes."""
        found: dict[str, LossSum] = {}
        for boxes in dict.fromkeys(pair.boxes for pair in self.pairs):
            terms = pooled(
                self._stream_sums(update, pair, stream, rows)
                for pair in self.pairs if pair.boxes == boxes
                for stream, batch in update.samples.items()
                if (rows := self.rows(batch, pair.masks, pair.boxes)))
            known = self._terms(update.model.heads[boxes])
            found |= {f'{boxes}.{term}': value.scaled(self.weight)
                      for term, value in terms.items() if term in known}
        return dict(weak=found) if found else {}

    def _stream_sums(self, update: Update, pair: Pair, stream: str,
                     rows: list[int]) -> dict[str, LossSum]:
        head = update.model.heads[pair.boxes]
        outputs = update.outputs[pair.boxes].of(stream, rows)
        samples = [update.samples[stream][row] for row in rows]
        views = [update.model.tasks[pair.masks].view(s) for s in samples]
        sure = self._detections(update, pair, stream, rows)
        with torch.no_grad(), full_precision():
            anchors = head.anchors_of(outputs, samples)
            found = [self.targets(pair, view, anchors, boxes)
                     for view, boxes in zip(views, sure)]
        sums: dict[str, LossSum] = head.loss_sums_by_feat(
            outputs, [sample for sample, _ in found],
            torch.stack([uncertain for _, uncertain in found]))
        return sums

    def _detections(self, update: Update, pair: Pair, stream: str,
                    rows: list[int]) -> list[InstanceData | None]:
        """What the moving average is sure of; None before it is asked."""
        begin = self.refine_begin * self.plan.updates
        if not self.refine or self.update < begin:
            return [None] * len(rows)
        found = self.average.detect(
            pair.boxes, update.inputs[stream][rows],
            [update.samples[stream][row] for row in rows])
        return [boxes[boxes.scores >= self.refine_score] for boxes in found]

    def targets(self, pair: Pair, view: DetDataSample, anchors: Tensor,
                sure: InstanceData | None) -> tuple[DetDataSample, Tensor]:
        """A sample whose boxes are blobs, and entries that take no part."""
        mask = pixels_of(view)
        pixel = anchors.new_tensor(pair.pixel, dtype=torch.long)
        asked = annotated_for(view.metainfo, SEG)
        known = [c for c, k in enumerate(pair.pixel)
                 if k != NO_CLASS and (asked is None or k in asked)]
        ids, blobs = blobs_of(mask, [pair.pixel[c] for c in known])
        keep = kept_blobs(blobs, self.min_area * mask.numel(), self.rel)
        keep &= ~torch.isin(blobs[:, 5], pixel[pair.ambiguous()])
        left = blobs[~keep]
        uncertain = uncertain_entries(
            class_cover(mask, anchors, pixel), anchors,
            *_columns(left, pixel), self.share, self.iou)
        uncertain |= unclear_boxes(view, anchors, self.share)[:, None]
        boxes, classes = _refined(ids, blobs, keep, pair, sure)
        meta = dict(view.metainfo, tasks=(DET, ))
        meta['annotated'] = {DET: known} if len(known) < len(pixel) else {}
        sample = DetDataSample(metainfo=meta)
        where = _column_of(pixel, classes)
        sample.gt_instances = InstanceData(bboxes=boxes.to(anchors),
                                           labels=where)
        return sample, uncertain


def _columns(blobs: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor]:
    """Corners and box class of blobs, once per class that may be meant."""
    row, column = (blobs[:, 5:6] == pixel).nonzero().unbind(1)
    return blobs[row, :4], column


def _column_of(pixel: Tensor, classes: Tensor) -> Tensor:
    """The box class of pixel classes that belong to one alone."""
    return (classes[:, None] == pixel).int().argmax(1)


def _refined(ids: Tensor, blobs: Tensor, keep: Tensor, pair: Pair,
             sure: InstanceData | None) -> tuple[Tensor, Tensor]:
    """Corners and pixel classes of objects: blobs, split or merged."""
    kept = blobs[keep]
    if sure is None or not len(kept):
        return kept[:, :4], kept[:, 5]
    numbers = torch.cat([keep.new_zeros(1).long(),
                         keep.long().cumsum(0) * keep])
    labels = pair.of_boxes(sure.labels)
    found = refined_blobs(numbers[ids], kept, sure.bboxes.float(), labels)
    return found[:, :4], found[:, 4]
