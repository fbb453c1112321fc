"""What all of our heads that score pixels share: loss and prediction."""
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.structures import SampleList
from mmengine.model import BaseModule
from torch import Tensor

from mmmultas.registry import MODELS
from mmmultas.structures import SEG, joined_labels, unasked_classes
from mmmultas.utils.precision import full_precision

from ..losses.loss_sum import LossSum
from ..losses.segmentation import CrossEntropyLoss

__all__ = ['PixelHead']


class PixelHead(BaseModule):
    """A head that puts out raw maps (N, C, h, w).

    Of classes it has a loss of its own; maps of other kinds have that of
    their task, and no ``loss_decode``.

    Args:
        num_classes: Classes K, or channels of a map of another kind.
        loss_decode: Config of the pixel loss, default
            :class:`CrossEntropyLoss`.
        ignore_index: Label of pixels that take no part.
    """
    #: Names of the terms of :meth:`loss_sums`.
    loss_terms: tuple[str, ...] = ('loss_ce', )
    align_corners = False

    def __init__(self,
                 num_classes: int,
                 loss_decode: dict | None = None,
                 ignore_index: int = 255,
                 init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.ignore_index = ignore_index
        self.loss_decode = MODELS.build(
            loss_decode or dict(
                type='mmmultas.CrossEntropyLoss', ignore_index=ignore_index))

    def loss(self,
             inputs: Sequence[Tensor],
             batch_data_samples: SampleList,
             train_cfg: dict | None = None) -> dict[str, Tensor]:
        """Losses of a batch in which every sample carries a mask."""
        sums = self.loss_sums(inputs, batch_data_samples)
        return {name: term.mean() for name, term in sums.items()}

    def loss_sums(self, feats: Sequence[Tensor],
                  samples: SampleList) -> dict[str, LossSum]:
        """The terms of :meth:`loss`, not divided yet.

        Args:
            feats: Levels of (N, C, H, W).
            samples: N samples with an int64 ``gt_sem_seg`` of input size.
        """
        return self.loss_sums_by_feat(self(feats), samples)

    def loss_sums_by_feat(self, outputs: Tensor,
                          samples: SampleList) -> dict[str, LossSum]:
        """:meth:`loss_sums` of raw scores (N, K, h, w) of :meth:`forward`."""
        labels, joined = self._labels(samples)
        height, width = labels.shape[-2:]
        logits = self._sized(outputs.float(), (height, width))
        with full_precision():
            return dict(loss_ce=self.loss_decode(logits, labels, **joined))

    def _sized(self, outputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Raw maps at the size of the input."""
        if outputs.shape[-2:] == size:
            return outputs
        return F.interpolate(outputs, size, mode='bilinear')

    def _labels(self,
                samples: SampleList) -> tuple[Tensor, dict[str, Tensor]]:
        """Labels (N, H, W), and what of them nobody looked for."""
        labels = torch.stack(
            [sample.gt_sem_seg.sem_seg.squeeze(0) for sample in samples])
        unasked = unasked_classes([s.metainfo for s in samples], SEG,
                                  self.num_classes, labels.device)
        joined = {}
        if unasked is not None:
            joined = dict(joined=unasked)
            labels = joined_labels(labels, unasked,
                                   self.loss_decode.ignore_index)
        return labels, joined

    @property
    def partial_classes(self) -> bool:
        """Whether images count in which nobody looked for some classes."""
        return isinstance(self.loss_decode, CrossEntropyLoss)

    def predict(self,
                inputs: Sequence[Tensor],
                batch_img_metas: list[dict],
                test_cfg: Any = None) -> Tensor:
        """Raw scores (N, K, H, W) at the size of the batch.

        Args:
            inputs: Levels of (N, C, H, W).
            batch_img_metas: ``pad_shape``, the size of the batch.
            test_cfg: Not used.
        """
        return self.predict_by_feat(self(inputs), batch_img_metas)

    def predict_by_feat(self, seg_logits: Tensor,
                        batch_img_metas: list[dict]) -> Tensor:
        """:meth:`predict` of raw scores (N, K, h, w)."""
        height, width = batch_img_metas[0]['pad_shape'][:2]
        return self._sized(seg_logits, (height, width))
