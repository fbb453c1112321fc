"""Semantic segmentation: any mmseg decode head."""
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import ConfigDict
from mmengine.model import ModuleList
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmmultas.functional.task_space import gumbel_sample, one_hot_maps
from mmmultas.registry import TASKS
from mmmultas.structures import CLASSES, pred_field, sem_seg_data
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.precision import full_precision, in_full

from ..losses.loss_sum import LossSum
from .auxiliary import auxiliary_cfgs, auxiliary_names
from .base import Read, Task, outputs_in_full
from .known_heads import check_decode_head

__all__ = ['SegmentationTask']


@TASKS.register_module(name=CLASSES)
class SegmentationTask(Task):
    """Adapter of decode heads.

    Args:
        cfg: Config of a decode head; inside it ``test_cfg`` may hold
            ``eval_size=(h, w)``: predictions of that size on squashed
            images as in the released code, default each image's own size.
            ``auxiliary`` is the config of a further head, or a list of such,
            that learns from the same labels and is not asked in prediction.
        name: The task's name.
    """
    kind = CLASSES
    scope = 'mmseg'
    stock_head = BaseDecodeHead
    draws = True

    def __init__(self, cfg: Mapping[str, Any], name: str = '') -> None:
        super().__init__(cfg, name)
        self.test_cfg = ConfigDict(self.cfg.pop('test_cfg', None) or {})
        self.auxiliary = auxiliary_cfgs(
            self.cfg.pop('auxiliary', None), self.cfg, self.key)
        _check_test_cfg(self.test_cfg, self.key)

    def build_head(self) -> nn.Module:
        """Build under mmseg's scope, whatever the default scope is.

        Under mmdet's, ``FPNHead`` would silently get mmdet's cross-entropy
        and fail in the first step (DESIGN trap 2).

        Raises:
            ConfigError: A head that cannot learn from masks alone.
        """
        head, *others = [self._built(cfg)
                         for cfg in (self.cfg, *self.auxiliary)]
        if others:
            # a part of the head: trained and saved with it
            head.auxiliary = ModuleList(others)
        return head

    def _built(self, cfg: Mapping[str, Any]) -> nn.Module:
        check_decode_head(cfg, MODELS, self.key)
        head: nn.Module = MODELS.build(dict(cfg, _scope_=self.scope))
        return head

    def losses(self, head: Any, read: Read,
               samples: SampleList) -> dict[str, LossSum]:
        """The head's losses, and ``aux.loss_...`` of its auxiliary heads."""
        views = [self.view(sample) for sample in samples]
        sums = self.sums_of(head, read, views)
        for name, other in _auxiliary(head):
            found = self.sums_of(other, Read(read.inputs), views)
            sums.update({f'{name}.{k}': value for k, value in found.items()})
        return sums

    def counted_terms(self, head: Any) -> tuple[str, ...]:
        """The head's, and those of its auxiliary heads."""
        return super().counted_terms(head) + tuple(
            f'{name}.{term}' for name, other in _auxiliary(head)
            for term in super(SegmentationTask, self).counted_terms(other))

    def head_loss(self, head: Any, read: Read,
                  samples: SampleList) -> dict[str, Any]:
        """Losses of a decode head."""
        for sample in samples:
            self.checked(sample)
        losses: dict[str, Any]
        if read.outputs is None or not self.splits(head):
            losses = head.loss(read.inputs, samples, ConfigDict())
        else:
            losses = head.loss_by_feat(read.outputs, samples)
        return losses

    def predict(self, head: Any, read: Read, samples: SampleList) -> None:
        """Write ``pred_sem_seg`` (1, H, W) int64 at the evaluated size."""
        for sample, logit in zip(samples, self._logits(head, read, samples)):
            labels = self._labels(head, self._fitted(head, logit, sample))
            setattr(sample, pred_field(self.name), sem_seg_data(labels))

    def check_flip(self, head: Any) -> None:
        """Every decode head gives scores that can be averaged."""

    def predict_flipped(self, head: Any, read: Read, mirrored: Read,
                        samples: SampleList) -> None:
        """Average the probabilities of both views at the evaluated size."""
        views = zip(
            self._logits(head, read, samples),
            self._logits(head, mirrored, samples))
        for sample, (seen, other) in zip(samples, views):
            first = self._fitted(head, seen, sample)
            second = self._fitted(head, other, sample, flip=True)
            if first.shape[1] == 1:
                mean = (first.sigmoid() + second.sigmoid()) / 2
                labels = self._labels(head, mean.logit())
            else:
                labels = self._labels(
                    head, (first.softmax(1) + second.softmax(1)) / 2)
            setattr(sample, pred_field(self.name), sem_seg_data(labels))

    def map_channels(self, head: Any) -> int:
        """Its classes.

        Raises:
            ConfigError: A head of one score for two classes.
        """
        channels = getattr(head, 'out_channels', head.num_classes)
        if channels != head.num_classes:
            raise ConfigError(
                f'`{self.key}` gives {channels} score(s) for '
                f'{head.num_classes} classes, which other tasks cannot be '
                'compared with: set its `out_channels` to `num_classes`.')
        return int(channels)

    def said_map(self, head: Any, outputs: Any,
                 size: tuple[int, int]) -> Tensor:
        """Logarithms of probabilities."""
        metas = [dict(pad_shape=size, img_shape=size)]
        with full_precision():
            logits: Tensor = head.predict_by_feat(in_full(outputs), metas)
            if logits.shape[-2:] != size:
                logits = self._resize(head, logits, size)
            return logits.log_softmax(1)

    def compared(self, maps: Tensor) -> Tensor:
        """Probabilities."""
        return maps.exp()

    def shown(self, maps: Tensor, noise: Tensor | None = None) -> Tensor:
        """A class drawn for every pixel (Gumbel, straight through)."""
        return maps.exp() if noise is None else gumbel_sample(maps, noise)

    def shown_label(self, head: Any, samples: SampleList) -> Tensor:
        """One-hot; all maps are 0 where a pixel has no class."""
        labels = torch.stack([self.checked(self.view(s)).sem_seg[0]
                              for s in samples])
        return one_hot_maps(labels, head.num_classes)

    def _logits(self, head: Any, read: Read, samples: SampleList) -> Tensor:
        """Raw scores (N, K, H, W) at the size of the batch."""
        size = samples[0].metainfo['batch_input_shape']
        # a decode head resizes to image 0's pad_shape: give it the batch's
        metas = [dict(s.metainfo, pad_shape=size) for s in samples]
        logits: Tensor
        if read.outputs is not None and self.splits(head):
            with full_precision():
                logits = head.predict_by_feat(in_full(read.outputs), metas)
        else:
            with outputs_in_full(head):
                logits = in_full(
                    head.predict(read.inputs, metas, self.test_cfg))
        if logits.shape[-2:] != tuple(size):
            logits = self._resize(head, logits, size)
        return logits

    def _fitted(self,
                head: Any,
                logit: Tensor,
                sample: DetDataSample,
                flip: bool = False) -> Tensor:
        """Cut the padding off, mirror on demand, resize: (1, K, h, w)."""
        height, width = sample.metainfo['img_shape'][:2]
        logit = logit[None, :, :height, :width]
        if flip:
            logit = logit.flip(-1)
        size = self.test_cfg.get('eval_size') or sample.metainfo['ori_shape']
        if logit.shape[-2:] != tuple(size[:2]):
            logit = self._resize(head, logit, size[:2])
        return logit

    @staticmethod
    def _labels(head: Any, logit: Tensor) -> Tensor:
        """The best class of every pixel, (1, h, w) int64."""
        if logit.shape[1] == 1:  # binary heads with a threshold
            threshold = getattr(head, 'threshold', 0.5)
            return (logit[0].sigmoid() > threshold).long()
        return logit.argmax(1)

    @staticmethod
    def _resize(head: Any, logits: Tensor,
                size: tuple[int, int]) -> Tensor:
        return F.interpolate(
            logits,
            size=tuple(size),
            mode='bilinear',
            align_corners=getattr(head, 'align_corners', False))


def _check_test_cfg(cfg: ConfigDict, key: str) -> None:
    """Images pass whole, in the size that the pipeline gives them.

    Raises:
        ConfigError: A key that would change nothing.
    """
    if cfg.get('mode', 'whole') != 'whole':
        raise ConfigError(
            f"`{key}.test_cfg.mode` is {cfg['mode']!r}, but images "
            'pass the network whole: remove it; the resize of the test '
            'pipeline says in what size.')
    unknown = sorted(set(cfg) - {'mode', 'eval_size'})
    if unknown:
        raise ConfigError(
            f'`{key}.test_cfg` has no key {unknown[0]!r}: it has '
            '`eval_size`, (height, width) of the predictions.')


def _auxiliary(head: Any) -> list[tuple[str, Any]]:
    """The auxiliary heads of a head, by name."""
    heads = list(getattr(head, 'auxiliary', ()))
    return list(zip(auxiliary_names(len(heads)), heads))
