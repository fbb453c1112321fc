"""Pixel losses (SPEC 4)."""
from collections.abc import Sequence

import torch
from torch import Tensor

from mmmultas.functional.losses import (cross_entropy_sum,
                                        upsampled_cross_entropy_sum)
from mmmultas.registry import MODELS

from .loss_sum import LossSum, SumLoss

__all__ = ['CrossEntropyLoss']


@MODELS.register_module()
class CrossEntropyLoss(SumLoss):
    """Softmax cross-entropy, mean over the pixels that have a label.

    Args:
        class_weight: Weight of each class; the mean is then a weighted one.
        ignore_index: Label of pixels that take no part.
        loss_weight: Factor of the loss.
    """
    class_weight: Tensor | None

    def __init__(self,
                 class_weight: Sequence[float] | None = None,
                 ignore_index: int = 255,
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        weight = None if class_weight is None else torch.tensor(
            class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self,
                logits: Tensor,
                labels: Tensor,
                joined: Tensor | None = None) -> LossSum:
        """Sum over (N, K, H, W) raw scores and (N, H, W) int64 labels.

        Args:
            logits: Raw scores.
            labels: Class of every pixel.
            joined: (N, K) bool, classes that nobody looked for: a pixel of
                one of them may be any of them. None for none.
        """
        total = cross_entropy_sum(logits, labels, self.ignore_index,
                                  self.class_weight, joined)
        return self._counted(total, labels)

    def of_upsampled(self,
                     logits: Tensor,
                     labels: Tensor,
                     factor: int,
                     joined: Tensor | None = None) -> LossSum:
        """What :meth:`forward` makes of nearest-upsampled scores."""
        total = upsampled_cross_entropy_sum(logits, labels, factor,
                                            self.ignore_index,
                                            self.class_weight, joined)
        return self._counted(total, labels)

    def _counted(self, total: Tensor, labels: Tensor) -> LossSum:
        valid = labels != self.ignore_index
        if self.class_weight is None:
            count = valid.sum()
        else:
            count = self.class_weight[labels[valid]].sum()
        return LossSum(self.loss_weight * total, count.to(total.dtype))
