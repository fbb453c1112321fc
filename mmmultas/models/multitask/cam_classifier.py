"""Which classes an image shows, learnt from its boxes or its mask."""
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample, SampleList
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import (gt_field, has_task, ignored_field, lost_field,
                                 unasked_classes)
from mmmultas.utils.errors import ConfigError

from ..companions.label_spaces import NO_CLASS, pixel_classes
from ..heads.cam_head import CAMHead
from ..losses.loss_sum import LossSum
from ..tasks.base import Read
from .det_seg import MultiTaskDetSeg
from .samples import is_supervised

__all__ = ['CAMClassifier']


@MODELS.register_module()
class CAMClassifier(MultiTaskDetSeg):
    """A multi-label classifier whose class activation maps are seeds.

    It learns which classes an image shows, of any image with boxes or a
    mask, and no place of them; its prediction is a mask
    (docs/weak_losses.md). ``make_pseudo_masks.py`` writes masks of images
    whose classes are known.

    Args:
        backbone: Config of the backbone.
        neck: None: maps are those of the backbone's last stage.
        heads: ``dict(seg=dict(type='mmmultas.CAMHead', ...))``.
        boxes: Name of the task of boxes.
        classes: How box classes and pixel classes meet, as of the
            companions; equal names by default.
        **kwargs: Further arguments of :class:`MultiTaskDetSeg`.

    Raises:
        ConfigError: Another head.
    """

    def __init__(self,
                 backbone: dict[str, Any],
                 neck: dict[str, Any] | None = None,
                 heads: Mapping[str, dict[str, Any]] | None = None,
                 boxes: str = 'det',
                 classes: Mapping[str, str] | Sequence[int] | None = None,
                 **kwargs: Any) -> None:
        super().__init__(backbone, neck, heads, **kwargs)
        self.masks = next(iter(self.heads))
        if len(self.heads) > 1 or not isinstance(self.heads[self.masks],
                                                 CAMHead):
            named = ', '.join(type(h).__name__ for h in self.heads.values())
            raise ConfigError('`model.heads` of a CAMClassifier is one '
                              f'mmmultas.CAMHead, got {named}.')
        self.boxes = boxes
        self._classes = classes
        self._pixel: tuple[int, ...] | None = None

    def meet(self, metainfo: Mapping[str, Any], epoch_length: int,
             updates: int, seed: int = 0) -> None:
        """Match the classes of boxes and pixels by name.

        Raises:
            ConfigError: They share none, or no image has either.
        """
        super().meet(metainfo, epoch_length, updates, seed)
        carried = metainfo.get('tasks')
        if carried is not None and not {self.boxes, self.masks} & {*carried}:
            raise ConfigError(
                f'A CAMClassifier learns from boxes ({self.boxes!r}) or masks '
                f'({self.masks!r}), and the images of `train_dataloader` '
                f'carry {", ".join(carried) or "no label"}: add such a '
                'stream, or name its boxes in `model.boxes`.')
        names = metainfo.get(self.boxes, {}).get('classes')
        if names:
            self.match_classes(names,
                               metainfo.get(self.masks, {}).get('classes'))

    def match_classes(self, boxes: Sequence[str],
                      pixels: Sequence[str] | None) -> tuple[int, ...]:
        """The pixel class of each box class, -1 for none.

        Args:
            boxes: Names of the box classes.
            pixels: Those of the pixel classes, the background first; None
                where no data say them: the classes of boxes in their order.

        Raises:
            ConfigError: They share none.
        """
        total = self.heads[self.masks].num_classes
        # its first class is what no map claims: no box can show it
        self._pixel = tuple(k or NO_CLASS for k in pixel_classes(
            boxes if pixels or isinstance(self._classes, Mapping) else
            len(boxes), pixels or total, self._classes, 'model',
            (self.boxes, self.masks)))
        return self._pixel

    def labelled(
            self,
            samples: Mapping[str, SampleList]) -> dict[str, dict[str, Any]]:
        """Images with boxes or a mask: both say which classes they show."""
        return {
            self.masks: {
                stream: [i for i, s in enumerate(batch)
                         if is_supervised(s) and (has_task(s, self.masks)
                                                  or has_task(s, self.boxes))]
                for stream, batch in samples.items()
            }
        }

    def image_classes(self,
                      samples: SampleList) -> tuple[Tensor, Tensor]:
        """Which classes images show, and of which that is known.

        A mask is believed before boxes. Of a class whose boxes a crop left
        in part, or that are to be ignored, nothing is known; likewise of a
        pixel class without boxes, and of one that nobody looked for.

        Args:
            samples: N samples.

        Returns:
            Two (N, K) bool, K without the background.
        """
        count = self.heads[self.masks].num_classes
        present = torch.zeros(len(samples), count, dtype=torch.bool)
        known = torch.ones_like(present)
        for shows, sure, sample in zip(present, known, samples):
            if has_task(sample, self.masks):
                self._from_mask(shows, sure, sample)
            else:
                self._from_boxes(shows, sure, sample)
        return present[:, 1:], known[:, 1:]

    def _from_mask(self, shows: Tensor, sure: Tensor,
                   sample: DetDataSample) -> None:
        mask = self.tasks[self.masks].checked(
            self.tasks[self.masks].view(sample)).sem_seg
        shows[[k for k in mask.unique().tolist() if k < len(shows)]] = True
        asked = unasked_classes([sample.metainfo], self.masks, len(shows))
        if asked is not None:
            sure &= ~asked[0]

    def _from_boxes(self, shows: Tensor, sure: Tensor,
                    sample: DetDataSample) -> None:
        pixel = self._pixel
        if pixel is None:  # trained without a data set
            pixel = tuple(range(1, len(shows)))
        sure[:] = False
        sure[[k for k in pixel if k != NO_CLASS]] = True
        asked = unasked_classes([sample.metainfo], self.boxes, len(pixel))
        maybe = [] if asked is None else [
            pixel[c] for c in asked[0].nonzero()[:, 0].tolist()]
        for field in (lost_field, ignored_field):
            maybe += self._pixels(sample, field(self.boxes), pixel)
        sure[[k for k in maybe if k != NO_CLASS]] = False
        found = [k for k in self._pixels(sample, gt_field(self.boxes), pixel)
                 if k != NO_CLASS]
        shows[found] = sure[found] = True

    @staticmethod
    def _pixels(sample: DetDataSample, field: str,
                pixel: Sequence[int]) -> list[int]:
        """The pixel class of each box of a field."""
        found = sample.get(field)
        return [] if found is None else [
            pixel[c] for c in found.labels.tolist()]

    def label_losses(self, task: str, read: Read,
                     samples: SampleList) -> dict[str, LossSum]:
        """Of the classes that images show."""
        head = self.heads[task]
        found: dict[str, LossSum] = head.class_losses(
            head.level(read.inputs),
            *(x.to(read.inputs[0].device)
              for x in self.image_classes(samples)))
        return found
