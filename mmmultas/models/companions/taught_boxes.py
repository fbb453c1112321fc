"""Boxes of a teacher, soft or hard, beside what masks say of them."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from mmmultas.functional.boxes import pairwise_iou
from mmmultas.functional.consistency import soft_anchor_sums, warp_boxes
from mmmultas.functional.mask_supervision import (class_cover,
                                                  uncertain_entries)
from mmmultas.structures import DET, SEG, annotated_for
from mmmultas.utils.errors import ConfigError

from ..losses.loss_sum import LossSum
from ..tasks.known_heads import NO_SCORES
from .average import Average, check_detects
from .blobs import blobs_of
from .label_spaces import NO_CLASS, Pair
from .mask_view import pixels_of, unclear_boxes
from .teacher_view import matrix_of
from .thresholds import Threshold

__all__ = ['Taught', 'check_head', 'class_scores', 'hard_sums', 'soft_sums']

#: From this cover on an anchor may show an object of a class.
SHARE = .35
#: A box of the teacher must show so much of its class, and is the mask's
#: blob from this overlap on.
COVER, SNAP = .2, .7
#: Overlap with a blob without a box from which on an anchor is no negative.
NEAR = .4
#: Share of a box that must be in view.
VISIBLE = .25

#: A mask under its stock name, and the classes of both tasks.
Mask = tuple[DetDataSample, Pair]


@dataclass
class Taught:
    """N images that a head of boxes is taught.

    Attributes:
        head: The head that learns.
        ours: Its raw outputs.
        theirs: Those of the teacher.
        samples: N samples; boxes that they may hold are not read.
        masks: The mask of each, where it has one.
        size: Height and width of the input.
        teacher_size: Height and width of the teacher's view.
        key: Config key, for messages.
    """
    head: Any
    ours: Any
    theirs: Any
    samples: SampleList
    masks: Sequence[Mask | None]
    size: tuple[int, int]
    teacher_size: tuple[int, int]
    key: str


def check_head(head: Any, name: str, key: str, form: str) -> None:
    """Refuse heads that cannot be taught in a form.

    Args:
        head: A head of boxes.
        name: Its config key, for messages.
        key: Config key of the companion, for messages.
        form: ``'soft'`` or ``'hard'``.

    Raises:
        ConfigError: It is such a head.
    """
    kind = type(head).__name__
    if form == 'hard':
        if not hasattr(head, 'anchors_of'):
            raise ConfigError(
                f"`{key}.box_form='hard'` wants a head that says which "
                f'anchors it has, and the {kind} of `{name}` does not: take '
                "box_form='soft', or 'mmmultas.MatchedRetinaHead', for "
                'example.')
        check_detects(head, name, f"{key}.box_form='hard'")
    parents = [parent.__name__ for parent in type(head).__mro__]
    why = next((NO_SCORES[p] for p in parents if p in NO_SCORES), None)
    if form == 'soft' and why is not None:
        raise ConfigError(
            f"`{key}.box_form='soft'` compares raw scores of classes, and the "
            f'{kind} of `{name}` {why}: set boxes_weight=0, or take another '
            "head, such as 'mmmultas.MatchedRetinaHead'.")
    if not getattr(head, 'use_sigmoid_cls', True):
        raise ConfigError(
            f'`{key}` reads scores that are sigmoids, and the {kind} of '
            f'`{name}` has a softmax: set boxes_weight=0, or take another '
            'head.')


def class_scores(outputs: Any, classes: int, key: str) -> Tensor:
    """Raw class scores of all anchors or places, (N, A, C).

    Args:
        outputs: Of a dense head: levels of (N, P C, h, w) first.
        classes: C.
        key: Config key, for messages.

    Raises:
        ConfigError: The head gives something else.
    """
    levels = outputs[0] if isinstance(outputs, list | tuple) else None
    if not isinstance(levels, list | tuple) or any(
            not isinstance(x, Tensor) or x.dim() != 4
            or x.shape[1] % classes for x in levels):
        raise ConfigError(
            f"`{key}='soft'` compares levels of class scores, which this "
            "head does not give first: set box_form='hard', or "
            'boxes_weight=0.')
    return torch.cat([
        x.permute(0, 2, 3, 1).reshape(len(x), -1, classes) for x in levels
    ], 1).float()


def soft_sums(taught: Taught, top: float) -> LossSum:
    """Scores of the teacher's best anchors, as far as masks allow them."""
    classes = taught.head.num_classes
    ours = class_scores(taught.ours, classes, taught.key)
    theirs = class_scores(taught.theirs, classes, taught.key)
    anchors = None
    if hasattr(taught.head, 'anchors_of'):
        anchors = taught.head.anchors_of(taught.ours, taught.samples)
    total, count = ours.new_zeros(()), ours.new_zeros(())
    for mine, other, mask in zip(ours, theirs, taught.masks):
        allowed = ignore = None
        if mask is not None:
            allowed, ignore = _entries(mask, anchors, mine)
        part, weight = soft_anchor_sums(mine, other, top, allowed, ignore)
        # at least 1 an image: an unsure teacher would else weigh the more
        total, count = total + part, count + weight.clamp(min=1)
    return LossSum(total, count)


def _entries(mask: Mask, anchors: Tensor | None,
             scores: Tensor) -> tuple[Tensor, Tensor]:
    """Entries that a mask allows, and those that it leaves open, (A, C)."""
    view, pair = mask
    pixels = pixels_of(view)
    classes = torch.tensor(pair.pixel, device=scores.device)
    unknown = _unknown(view, pair).to(scores.device)
    if anchors is None:
        whole = scores.new_tensor([[0, 0, pixels.shape[1], pixels.shape[0]]])
        unknown = unknown | unclear_boxes(view, whole, SHARE)
        there = torch.isin(classes, pixels.unique()) | unknown
        return there.expand_as(scores), unknown.expand_as(scores)
    unknown = unknown | unclear_boxes(view, anchors, SHARE)[:, None]
    cover = class_cover(pixels, anchors, classes)
    return (cover > 0) | unknown, (cover >= SHARE) | unknown


def _unknown(view: DetDataSample, pair: Pair) -> Tensor:
    """Box classes of which the mask says nothing, (C,) bool."""
    asked = annotated_for(view.metainfo, SEG)
    return torch.tensor([
        k == NO_CLASS or (asked is not None and k not in asked)
        for k in pair.pixel])


def hard_sums(
    taught: Taught, average: Average, task: str, limit: Threshold
) -> tuple[LossSum, list[tuple[Tensor, Tensor]]]:
    """Classes of boxes that the teacher is sure of.

    Returns:
        tuple: The sum; scores and classes of all that the teacher found.
    """
    views = [DetDataSample(metainfo=dict(s.metainfo,
                                         img_shape=taught.teacher_size))
             for s in taught.samples]
    with torch.no_grad():
        found = average.boxes(task, taught.theirs, views)
        anchors = taught.head.anchors_of(taught.ours, taught.samples)
        made = [
            _image(taught, sample, mask, boxes, limit, anchors)
            for sample, mask, boxes in zip(taught.samples, taught.masks,
                                           found)
        ]
    sums = taught.head.loss_sums_by_feat(
        taught.ours, [sample for sample, _ in made],
        torch.stack([uncertain for _, uncertain in made]))
    value: LossSum = sums['loss_cls']
    return value, [(boxes.scores, boxes.labels) for boxes in found]


def _image(taught: Taught, sample: DetDataSample, mask: Mask | None,
           found: InstanceData, limit: Threshold,
           anchors: Tensor) -> tuple[DetDataSample, Tensor]:
    """A sample with the teacher's boxes, and entries that take no part."""
    sure = found[limit.keeps(found.scores, found.labels)]
    moved = sure.bboxes.float()
    if 'teacher_view' in sample:
        moved, seen = warp_boxes(moved, matrix_of(sample), taught.size)
        sure, moved = sure[seen >= VISIBLE], moved[seen >= VISIBLE]
    bound = moved.new_tensor([taught.size[1], taught.size[0]] * 2)
    boxes = torch.minimum(moved.clamp(min=0), bound)
    labels = sure.labels
    shape = (len(anchors), taught.head.num_classes)
    if mask is None:
        # an image without a sure box says nothing
        uncertain = torch.full(shape, not len(boxes), device=anchors.device)
    else:
        boxes, labels, uncertain = _checked(mask, boxes, labels, anchors)
    twin = DetDataSample(metainfo=dict(sample.metainfo, tasks=(DET, ),
                                       annotated={}))
    twin.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    return twin, uncertain


def _checked(mask: Mask, boxes: Tensor, labels: Tensor,
             anchors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes that a mask agrees with, snapped to its blobs."""
    view, pair = mask
    pixels = pixels_of(view)
    classes = torch.tensor(pair.pixel, device=anchors.device)
    unknown = _unknown(view, pair).to(anchors.device)
    shown = class_cover(pixels, boxes, classes).gather(
        1, labels[:, None])[:, 0]
    keep = (shown >= COVER) | unknown[labels] | unclear_boxes(view, boxes,
                                                              SHARE)
    boxes, labels = boxes[keep], labels[keep]
    known = [k for k, hidden in zip(pair.pixel, unknown.tolist())
             if not hidden]
    _, blobs = blobs_of(pixels, known)
    overlap = pairwise_iou(boxes, blobs[:, :4].to(boxes))
    overlap = overlap * (classes[labels][:, None] == blobs[:, 5])
    if len(blobs) and len(boxes):
        best, index = overlap.max(1)
        boxes = torch.where((best >= SNAP)[:, None],
                            blobs[index, :4].to(boxes), boxes)
    alone = blobs[~(overlap >= NEAR).any(0)]
    row, column = (alone[:, 5:6] == classes).nonzero().unbind(1)
    uncertain = uncertain_entries(
        class_cover(pixels, anchors, classes), anchors, alone[row, :4],
        column, SHARE, NEAR)
    unclear = unclear_boxes(view, anchors, SHARE)[:, None]
    return boxes, labels, uncertain | unknown | unclear
