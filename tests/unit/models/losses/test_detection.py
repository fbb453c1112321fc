import pytest
import torch

from mmmultas.models.losses import (BalancedL1Loss, FocalLoss,
                                    QualityFocalLoss)


def test_balanced_l1_counts_coordinates():
    term = BalancedL1Loss(loss_weight=3)(torch.ones(5, 4), torch.zeros(5, 4))
    assert term.count == 20
    single = BalancedL1Loss()(torch.ones(1, 4), torch.zeros(1, 4))
    torch.testing.assert_close(term.mean(), 3 * single.mean())


def test_no_positives_leave_a_finite_loss_with_a_gradient():
    pred = torch.zeros(0, 4, requires_grad=True)
    loss = BalancedL1Loss()(pred, torch.zeros(0, 4)).mean()
    loss.backward()
    assert loss == 0 and pred.grad.shape == (0, 4)
    logits = torch.zeros(3, 2, requires_grad=True)
    loss = FocalLoss()(logits, torch.zeros(3, 2)).mean()
    assert torch.isfinite(loss) and loss > 0


@pytest.mark.parametrize('kind', [FocalLoss, QualityFocalLoss])
def test_class_losses_count_positive_anchors(kind):
    target = torch.zeros(4, 3)
    target[0, 0], target[2, 1] = 1, 0.4
    assert kind()(torch.zeros(4, 3), target).count == 2


def test_focal_reads_a_soft_label_as_positive():
    logits = torch.randn(4, 3)
    soft, hard = torch.zeros(4, 3), torch.zeros(4, 3)
    soft[1, 1], hard[1, 1] = 0.3, 1
    assert FocalLoss()(logits, soft).total == FocalLoss()(logits, hard).total


def test_quality_focal_weighs_two():
    logits, target = torch.randn(4, 3), torch.eye(4)[:, :3]
    twice = QualityFocalLoss()(logits, target).total
    torch.testing.assert_close(
        twice, 2 * QualityFocalLoss(loss_weight=1)(logits, target).total)
