"""What a student learns from a teacher (SPEC 8), as modules.

Every ``forward`` takes recorded outputs by name and gives sums that are not
divided yet, one per name in ``terms``. A level is (N, C, H, W).
"""
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from mmengine.model import BaseModule
from torch import Tensor

from mmmultas.functional.distillation import (balanced_soft_bce, defeat_terms,
                                              foreground_mask, masked_kl,
                                              pdf_sums)
from mmmultas.functional.losses import balanced_l1_sum
from mmmultas.registry import MODELS
from mmmultas.structures import DET, has_task
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of

from .loss_sum import LossSum

__all__ = [
    'DeFeat', 'DistillLoss', 'FeatureMSE', 'PDFDistill', 'SegmentationKL',
    'SoftDetection', 'flat_boxes', 'flat_levels', 'ramp'
]

Levels = Sequence[Tensor]
#: Levels of raw class scores and of raw boxes, as anchor heads give them.
Outputs = tuple[Levels, Levels]


class DistillLoss(BaseModule, metaclass=ABCMeta):
    """A loss between recorded outputs.

    Args:
        weight: Factor of the loss.
        schedule: None, or ``dict(begin=0, end=1000, start=0.0, stop=1.0)``:
            a further factor, linear between two updates and constant
            outside of them.

    Raises:
        ConfigError: A schedule that ends before it begins, or a factor that
            is no number, negative or infinite.
    """
    #: Suffixes of the names of its terms.
    terms: tuple[str, ...] = ('', )
    #: Task whose ground truth it reads; only images that carry it take part.
    needs: str | None = None

    def __init__(self,
                 weight: float = 1.0,
                 schedule: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.weight = self._number('weight', weight)
        self.schedule = dict(schedule or {})
        ramp(0, **self.schedule)  # a wrong key shows now
        for key, value in self.schedule.items():
            self._number(f'schedule.{key}', value)
        begin, end = (self.schedule.get(k, 0) for k in ('begin', 'end'))
        if self.schedule and end < max(begin, 1):
            raise ConfigError(
                f'The `schedule` of a {type(self).__name__} goes from update '
                f'{begin} to {end}: give an `end` behind its `begin`.')

    def _number(self, key: str, value: Any) -> Any:
        return number_of(f'`{key}` of a {type(self).__name__}', value)

    def factor(self, update: int) -> float:
        """Weight at an update."""
        return self.weight * ramp(update, **self.schedule)

    @abstractmethod
    def forward(self, *args: Any, **kwargs: Any) -> dict[str, LossSum]:
        """The sums, by term."""


def ramp(update: float,
         begin: float = 0,
         end: float = 0,
         start: float = 1.0,
         stop: float = 1.0) -> float:
    """A factor that goes from ``start`` to ``stop``.

    Example:
        >>> [ramp(n, begin=10, end=20, start=0., stop=1.) for n in (5, 15, 99)]
        [0.0, 0.5, 1.0]
    """
    if update >= end:
        return stop
    if update <= begin:
        return start
    return start + (stop - start) * (update - begin) / (end - begin)


def flat_levels(levels: Levels) -> Tensor:
    """Levels as (N, L, C), level by level and row by row."""
    return torch.cat([x.flatten(2).transpose(1, 2) for x in levels], 1).float()


def flat_boxes(outputs: Outputs) -> tuple[Tensor, Tensor]:
    """Raw scores (N, A, C) and boxes (N, A, 4) in anchor order.

    Raises:
        ConfigError: The outputs are not those of an anchor head.
    """
    if isinstance(outputs, Tensor) or len(outputs) != 2:
        raise ConfigError(
            'Scores and boxes of an anchor head are expected, got a '
            f'{type(outputs).__name__}'
            f'{_count(outputs)}: record `heads.det` (of a stock detector '
            '`bbox_head`).')
    scores, boxes = outputs
    per_place = boxes[0].shape[1] // 4
    if boxes[0].shape[1] % 4 or scores[0].shape[1] % per_place:
        raise ConfigError(
            'Scores and boxes of an anchor head are expected, 4 channels of '
            f'boxes per anchor, got {scores[0].shape[1]} and '
            f'{boxes[0].shape[1]} channels: record `heads.det`.')
    classes = scores[0].shape[1] // per_place

    def flat(levels: Levels, channels: int) -> Tensor:
        return torch.cat([
            x.permute(0, 2, 3, 1).reshape(len(x), -1, channels)
            for x in levels
        ], 1).float()

    return flat(scores, classes), flat(boxes, 4)


def _count(outputs: Any) -> str:
    return '' if isinstance(outputs, Tensor) else f' of {len(outputs)}'


def _same_anchors(student: Tensor, teacher: Tensor) -> None:
    """Scores (N, A, C) must be of the same anchors and classes."""
    if student.shape[1:] != teacher.shape[1:]:
        raise ConfigError(
            "The student's head scores {} anchors for {} classes and the "
            "teacher's {} for {}: take heads with the same anchors and "
            'classes.'.format(*student.shape[1:], *teacher.shape[1:]))


def _alike(student: Levels, teacher: Levels) -> None:
    for side in (student, teacher):
        if isinstance(side, Tensor):
            raise ConfigError(
                'Levels of features are compared, and one tensor was '
                'recorded: record a neck or backbone, or take '
                'mmmultas.SegmentationKL for scores of pixels.')
    ours, theirs = ([tuple(x.shape[1:]) for x in levels]
                    for levels in (student, teacher))
    if ours != theirs:
        raise ConfigError(
            f"The student's features {ours} and the teacher's {theirs} "
            '(channels, height, width by level) cannot be compared: give '
            'the student a connector (`mmmultas.LevelProjection`), or take '
            'networks with the same levels.')


@MODELS.register_module()
class FeatureMSE(DistillLoss):
    """Mean squared difference of features; SPEC 8 takes ``weight=5``."""

    def forward(self, student: Levels, teacher: Levels) -> dict[str, LossSum]:
        """Compare levels.

        Args:
            student: Levels.
            teacher: Levels of the same shapes.
        """
        _alike(student, teacher)
        terms = [((s.float() - t.detach())**2).sum()
                 for s, t in zip(student, teacher)]
        count = float(sum(t.numel() for t in teacher))
        total = torch.stack(terms).sum()
        return {'': LossSum(total, total.new_tensor(count))}


@MODELS.register_module()
class PDFDistill(DistillLoss):
    """PDF-Distil: features, classes and boxes where detections disagree.

    Args:
        feature_weight: Factor of the feature term (SPEC 8).
    """
    terms = ('_feature', '_cls', '_box')

    def __init__(self,
                 weight: float = 1.0,
                 feature_weight: float = 5.0,
                 schedule: Mapping[str, float] | None = None) -> None:
        super().__init__(weight, schedule)
        self.feature_weight = self._number('feature_weight', feature_weight)

    def forward(self, student: Levels, teacher: Levels,
                student_outputs: Outputs,
                teacher_outputs: Outputs) -> dict[str, LossSum]:
        """Compare features and the raw outputs of two detection heads.

        Args:
            student: Levels.
            teacher: Levels.
            student_outputs: Raw scores and boxes by level.
            teacher_outputs: Likewise.
        """
        _alike(student, teacher)
        ours, theirs = flat_boxes(student_outputs), flat_boxes(teacher_outputs)
        _same_anchors(ours[0], theirs[0])
        feats = flat_levels(student)
        if ours[0].shape[1] % feats.shape[1]:
            raise ConfigError(
                f'PDFDistill compares {feats.shape[1]} places of features '
                f'and {ours[0].shape[1]} anchors: record the levels that the '
                'head reads.')
        sums = pdf_sums(feats, flat_levels(teacher), ours[0], theirs[0],
                        ours[1], theirs[1])
        scale = dict(feature=self.feature_weight, cls=1, box=1)
        return {
            f'_{name}': LossSum(scale[name] * total, count)
            for name, (total, count) in sums.items()
        }


@MODELS.register_module()
class DeFeat(DistillLoss):
    """DeFeat: features inside and outside of boxes apart.

    Each term is a mean of its own batch; batches of several streams and
    processes count by their images.

    Args:
        boxes: ``'gt_instances'``, then only images with boxes take part, or
            ``'pseudo_instances'``: where boxes are not annotated, those that
            a teacher is sure of (``distiller.pseudo_labels``).
        fg_weight: Factor of the foreground, 3 in the original.
        bg_weight: Factor of the background, 12 in the original.
        per_channel: Divide by values as the original; the released code of
            the papers ([C]) divides by locations.
    """
    terms = ('_fg', '_bg')
    needs: str | None = DET

    def __init__(self,
                 weight: float = 1.0,
                 fg_weight: float = 1.0,
                 bg_weight: float = 1.0,
                 per_channel: bool = False,
                 boxes: str = 'gt_instances',
                 schedule: Mapping[str, float] | None = None) -> None:
        super().__init__(weight, schedule)
        if boxes not in ('gt_instances', 'pseudo_instances'):
            raise ConfigError("`boxes` of DeFeat is 'gt_instances' or "
                              f"'pseudo_instances', got {boxes!r}.")
        if boxes != 'gt_instances':
            self.needs = None
        self.fg_weight = self._number('fg_weight', fg_weight)
        self.bg_weight = self._number('bg_weight', bg_weight)
        self.per_channel = per_channel

    def forward(self, student: Levels, teacher: Levels,
                samples: SampleList) -> dict[str, LossSum]:
        """Compare levels.

        Args:
            student: Levels.
            teacher: Levels.
            samples: With boxes in input pixels.
        """
        _alike(student, teacher)
        size = samples[0].metainfo['batch_input_shape']
        centres = torch.cat([_centres(level, size) for level in teacher])
        mask = torch.stack([
            foreground_mask(centres, _boxes_of(sample)) for sample in samples
        ])
        terms = defeat_terms(
            flat_levels(student), flat_levels(teacher), mask,
            self.per_channel)
        images = terms[0].new_tensor(float(len(samples)))
        factors = (self.fg_weight, self.bg_weight)
        return {
            name: LossSum(factor * term * images, images)
            for name, factor, term in zip(self.terms, factors, terms)
        }


def _boxes_of(sample: DetDataSample) -> Tensor:
    """Annotated boxes, else those of a teacher, (M, 4) xyxy."""
    if has_task(sample, DET):
        boxes: Tensor = sample.gt_instances.bboxes
    elif 'pseudo_instances' in sample:
        boxes = sample.pseudo_instances.bboxes
    else:
        raise ConfigError("DeFeat with boxes='pseudo_instances' needs a "
                          "teacher's boxes: set `model.distiller."
                          'pseudo_labels.det`.')
    return boxes


def _centres(level: Tensor, size: tuple[int, int]) -> Tensor:
    """Centres of a level's places in input pixels, (H W, 2) x and y."""
    rows, columns = level.shape[-2:]
    y = (torch.arange(rows, device=level.device) + 0.5) * size[0] / rows
    x = (torch.arange(columns, device=level.device) + 0.5) * size[1] / columns
    return torch.stack(torch.meshgrid(x, y, indexing='xy'), -1).reshape(-1, 2)


@MODELS.register_module()
class SoftDetection(DistillLoss):
    """Soft labels of an anchor head: boxes and balanced class scores.

    Args:
        cls_weight: Factor of the class term (SPEC 8).
        alpha: Weight of certain positives; of negatives 1 - alpha.
        gamma: Focusing power.
    """
    terms = ('_box', '_cls')

    def __init__(self,
                 weight: float = 1.0,
                 cls_weight: float = 5e3,
                 alpha: float = 0.25,
                 gamma: float = 1.0,
                 schedule: Mapping[str, float] | None = None) -> None:
        super().__init__(weight, schedule)
        self.cls_weight = self._number('cls_weight', cls_weight)
        self.alpha, self.gamma = alpha, gamma

    def forward(self, student_outputs: Outputs,
                teacher_outputs: Outputs) -> dict[str, LossSum]:
        """Compare raw outputs over all anchors.

        Args:
            student_outputs: Raw scores and boxes by level.
            teacher_outputs: Likewise.
        """
        ours, theirs = flat_boxes(student_outputs), flat_boxes(teacher_outputs)
        _same_anchors(ours[0], theirs[0])
        boxes = balanced_l1_sum(ours[1].reshape(-1, 4),
                                theirs[1].detach().reshape(-1, 4))
        scores = balanced_soft_bce(ours[0], theirs[0], self.alpha, self.gamma)
        count = boxes.new_tensor(float(ours[0].numel()))
        return dict(
            _box=LossSum(boxes, boxes.new_tensor(float(ours[1].numel()))),
            _cls=LossSum(self.cls_weight * scores * count, count))


@MODELS.register_module()
class SegmentationKL(DistillLoss):
    """KL(teacher || student) of pixel classes (SPEC 8), mean over pixels.

    Args:
        temperature: Softens both.
    """

    def __init__(self,
                 weight: float = 1.0,
                 temperature: float = 1.0,
                 schedule: Mapping[str, float] | None = None) -> None:
        super().__init__(weight, schedule)
        self.temperature = temperature

    def forward(self, student: Tensor, teacher: Tensor) -> dict[str, LossSum]:
        """Compare raw scores.

        Args:
            student: (N, K, H, W).
            teacher: (N, K, H, W).
        """
        if not (isinstance(student, Tensor) and isinstance(teacher, Tensor)
                and student.shape == teacher.shape):
            raise ConfigError(
                f'SegmentationKL compares scores of pixels, got '
                f'{_described(student)} of the student and '
                f'{_described(teacher)} of the teacher: record `heads.seg` of '
                'networks with the same classes.')
        mean = masked_kl(student.float(), teacher, self.temperature)
        count = mean.new_tensor(float(student[:, 0].numel()))
        return {'': LossSum(mean * count, count)}


def _described(output: Any) -> str:
    if isinstance(output, Tensor):
        return str(tuple(output.shape))
    return f'a {type(output).__name__}'
