"""Box and class losses of anchor heads (SPEC 4)."""
from torch import Tensor

from mmmultas.functional.losses import (balanced_l1_sum, focal_loss_sum,
                                        quality_focal_loss_sum)
from mmmultas.registry import MODELS

from .loss_sum import LossSum, SumLoss

__all__ = ['BalancedL1Loss', 'FocalLoss', 'QualityFocalLoss']


@MODELS.register_module()
class BalancedL1Loss(SumLoss):
    """Balanced L1, mean over positives x 4 coordinates.

    Args:
        alpha: Gain of small errors.
        gamma: Slope of large errors.
        beta: Border between small and large errors.
        loss_weight: Factor of the loss.
    """

    def __init__(self,
                 alpha: float = 0.5,
                 gamma: float = 1.5,
                 beta: float = 0.11,
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self,
                pred: Tensor,
                target: Tensor,
                weight: Tensor | None = None) -> LossSum:
        """Sum over (P, 4) raw box outputs against their encoded targets.

        Args:
            pred: (P, 4).
            target: (P, 4).
            weight: (P,) weights of the boxes; the mean is a weighted one.
        """
        if weight is None:
            count = pred.new_tensor(float(pred.numel()))
        else:
            weight = weight[:, None].expand_as(pred)
            count = weight.sum()
        total = balanced_l1_sum(pred, target, self.alpha, self.gamma,
                                self.beta, weight)
        return LossSum(self.loss_weight * total, count)


@MODELS.register_module()
class FocalLoss(SumLoss):
    """Sigmoid focal loss per positive anchor, gamma 1 as in [P1].

    Args:
        alpha: Weight of positives; negatives weigh 1 - alpha.
        gamma: Focusing power.
        loss_weight: Factor of the loss.
    """

    def __init__(self,
                 alpha: float = 0.25,
                 gamma: float = 1.0,
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma
        self.loss_weight = loss_weight

    def forward(self,
                logits: Tensor,
                target: Tensor,
                ignore: Tensor | None = None) -> LossSum:
        """Sum over (A, C) raw scores against targets in [0, 1]."""
        # a soft label means "positive" here (SPEC 3, mutual guidance)
        target = (target > 0).to(logits.dtype)
        total = focal_loss_sum(logits, target, ignore, self.alpha, self.gamma)
        return LossSum(self.loss_weight * total, target.sum())


@MODELS.register_module()
class QualityFocalLoss(SumLoss):
    """Quality focal loss per positive anchor ([P2]).

    Args:
        beta: Focusing power.
        loss_weight: Factor of the loss; the papers' is 2.
    """

    def __init__(self, beta: float = 2.0, loss_weight: float = 2.0) -> None:
        super().__init__()
        self.beta = beta
        self.loss_weight = loss_weight

    def forward(self,
                logits: Tensor,
                target: Tensor,
                ignore: Tensor | None = None) -> LossSum:
        """Sum over (A, C) raw scores against soft labels in [0, 1]."""
        total = quality_focal_loss_sum(logits, target, ignore, self.beta)
        count = (target > 0).sum().to(logits.dtype)
        return LossSum(self.loss_weight * total, count)
