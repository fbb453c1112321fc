import naive_losses as naive
import pytest
import torch
import torch.nn.functional as F

from mmmultas.functional.losses import (balanced_l1_sum, cross_entropy_sum,
                                        focal_loss_sum, joined_log_softmax,
                                        quality_focal_loss_sum,
                                        upsampled_cross_entropy_sum)


@pytest.fixture
def logits():
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0)) * 3


@pytest.fixture
def one_hot():
    target = torch.zeros(6, 4)
    target[0, 1] = target[3, 2] = 1
    return target


@pytest.mark.parametrize('gamma', [0.5, 1.0, 2.0])
def test_focal(logits, one_hot, gamma):
    expected = naive.focal(logits.tolist(), one_hot.tolist(), gamma=gamma)
    torch.testing.assert_close(
        focal_loss_sum(logits, one_hot, gamma=gamma),
        torch.tensor(expected))


def test_quality_focal_takes_soft_labels(logits, one_hot):
    soft = one_hot * 0.7
    expected = naive.quality_focal(logits.tolist(), soft.tolist())
    torch.testing.assert_close(
        quality_focal_loss_sum(logits, soft), torch.tensor(expected))


@pytest.mark.parametrize('loss', [focal_loss_sum, quality_focal_loss_sum])
def test_ignored_entries_have_no_value_and_no_gradient(
        loss, logits, one_hot):
    ignore = torch.zeros(6, 4, dtype=torch.bool)
    ignore[2, 3] = True
    logits.requires_grad_()
    total = loss(logits, one_hot, ignore)
    total.backward()
    assert logits.grad[2, 3] == 0 and logits.grad[2, 2] != 0
    changed = logits.detach().clone()
    changed[2, 3] += 5
    assert loss(changed, one_hot, ignore) == total


@pytest.mark.parametrize('loss', [focal_loss_sum, quality_focal_loss_sum])
def test_a_perfect_prediction_costs_nothing(loss, one_hot):
    assert loss((one_hot * 2 - 1) * 60, one_hot) < 1e-6


@pytest.mark.parametrize('loss', [focal_loss_sum, quality_focal_loss_sum])
def test_gradient(loss, one_hot):
    x = torch.randn(6, 4, dtype=torch.double).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: loss(x, one_hot.double()), (x, ))


def test_balanced_l1_on_both_sides_of_beta():
    pred = torch.tensor([0.0, 0.05, 0.109, 0.111, 0.5, -3.0])
    target = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    torch.testing.assert_close(
        balanced_l1_sum(pred, target),
        torch.tensor(naive.balanced_l1(pred.tolist(), target.tolist())))
    assert torch.equal(balanced_l1_sum(pred, target),
                       balanced_l1_sum(target, pred))


def test_balanced_l1_equals_mmdets():
    from mmdet.models.losses import BalancedL1Loss
    pred, target = torch.randn(2, 30, 4, generator=torch.Generator())
    stock = BalancedL1Loss(beta=0.11, reduction='sum')(pred, target)
    torch.testing.assert_close(balanced_l1_sum(pred, target), stock)


def test_cross_entropy_skips_ignored_pixels():
    logits = torch.randn(2, 3, 2, 2)
    labels = torch.tensor([[[0, 255], [2, 1]], [[1, 1], [255, 0]]])
    pixels = logits.permute(0, 2, 3, 1).reshape(-1, 3).tolist()
    expected = naive.cross_entropy(pixels, labels.reshape(-1).tolist())
    torch.testing.assert_close(
        cross_entropy_sum(logits, labels), torch.tensor(expected))
    assert cross_entropy_sum(logits, torch.full_like(labels, 255)) == 0


@pytest.mark.parametrize('weight', [None, [0.5, 1.0, 3.0]])
@pytest.mark.parametrize('cut', [0, 1, 3])
def test_cross_entropy_before_upsampling(weight, cut):
    torch.manual_seed(0)
    weight = None if weight is None else torch.tensor(weight)
    small = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    if weight is not None:
        weight = weight.double()
    labels = torch.randint(0, 3, (2, 16 - cut, 20 - cut))
    labels[0, :5] = 255
    big = F.interpolate(small, scale_factor=4)[
        ..., :labels.shape[1], :labels.shape[2]]
    sums = [cross_entropy_sum(big, labels, 255, weight),
            upsampled_cross_entropy_sum(small, labels, 4, 255, weight)]
    torch.testing.assert_close(*sums)
    torch.testing.assert_close(
        *[torch.autograd.grad(total, small)[0] for total in sums])


def test_no_label_before_upsampling():
    small = torch.randn(1, 3, 2, 2)
    labels = torch.full((1, 8, 8), 255)
    assert upsampled_cross_entropy_sum(small, labels, 4) == 0
    small[0, 1, 0, 0] = -torch.inf
    labels[0, 7, 7] = 1
    assert upsampled_cross_entropy_sum(small, labels, 4).isfinite()


JOINED = torch.tensor([[True, False, True], [False, False, False]])


@pytest.mark.parametrize('form', ['full', 'blocks'])
def test_classes_that_nobody_looked_for(form):
    """The first image is annotated for class 1, the second for all."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[[0, 1], [2, 255]], [[0, 1], [2, 255]]])
    if form == 'full':
        total = cross_entropy_sum(logits, labels, joined_NK=JOINED)
    else:
        labels = labels.repeat_interleave(4, 1).repeat_interleave(4, 2)
        total = upsampled_cross_entropy_sum(
            logits, labels, 4, joined_NK=JOINED) / 16
        labels = labels[:, ::4, ::4]
    pixels = logits.permute(0, 2, 3, 1).flatten(1, 2).tolist()
    truth = labels.flatten(1).tolist()
    expected = naive.partial_cross_entropy(pixels[0], truth[0], [1])
    expected += naive.cross_entropy(pixels[1], truth[1])
    assert total.item() == pytest.approx(expected)
    total.backward()
    assert logits.grad.isfinite().all()
    # what may be class 0 or 2 says nothing about which
    one = logits.detach()[:1].clone().requires_grad_()
    cross_entropy_sum(one, labels[:1] * 0, joined_NK=JOINED[:1]).backward()
    share = one.detach()[:, [0, 2]].softmax(1)
    pull = one.grad[:, [0, 2]]
    torch.testing.assert_close(pull / pull.sum(1, keepdim=True), share)


def test_nothing_joined_is_the_plain_softmax():
    logits = torch.randn(2, 3, 2, 2, requires_grad=True)
    joined = torch.zeros(2, 3, dtype=torch.bool)
    torch.testing.assert_close(
        joined_log_softmax(logits, joined), logits.log_softmax(1))
    alone = torch.tensor([[True, False, False]] * 2)
    torch.testing.assert_close(
        joined_log_softmax(logits, alone), logits.log_softmax(1))


def test_all_joined_is_certain():
    logits = torch.randn(1, 3, 2, 2)
    joined = torch.ones(1, 3, dtype=torch.bool)
    torch.testing.assert_close(
        joined_log_softmax(logits, joined), torch.zeros(1, 3, 2, 2))
