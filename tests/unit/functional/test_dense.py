import pytest
import torch

from mmmultas.functional.dense import (angles, balanced_bce, cosine_loss,
                                       depth_errors, depth_loss,
                                       unit_normals, yes_no_counts)


def test_images_pool():
    torch.manual_seed(0)
    depth, truth = torch.rand(3, 1, 4, 5), torch.rand(3, 1, 4, 5)
    truth[0], truth[1, :, :2] = 0, 0
    raw, normals = torch.randn(3, 3, 4, 5), torch.randn(3, 3, 4, 5)
    normals = unit_normals(normals)
    normals[0] = 0
    for loss, a, b in ((depth_loss, depth, truth),
                       (cosine_loss, raw, normals)):
        whole = loss(a, b)
        parts = [loss(a[i:i + 1], b[i:i + 1]) for i in range(3)]
        for i in range(2):
            torch.testing.assert_close(whole[i], sum(p[i] for p in parts))
        assert parts[0][1] == 0


def test_invalid_pixels_teach_nothing():
    raw = torch.randn(1, 3, 2, 2, requires_grad=True)
    truth = torch.zeros(1, 3, 2, 2)
    truth[0, 2, 0, 0] = 1
    cosine_loss(raw, truth)[0].backward()
    assert raw.grad[0, :, 0, 0].abs().sum() > 0
    assert raw.grad.abs().sum(1)[0].flatten()[1:].tolist() == [0, 0, 0]
    logits = torch.zeros(1, 1, 1, 3, requires_grad=True)
    balanced_bce(logits, torch.tensor([[[[1, 0, 255]]]]), .9)[0].backward()
    torch.testing.assert_close(logits.grad.flatten(),
                               torch.tensor([-.45, .05, 0.]))


def test_the_share_of_the_no_balances():
    labels = torch.tensor([[[[1, 0, 0, 0]]]])
    logits = torch.zeros(1, 1, 1, 4)
    total, count = balanced_bce(logits, labels)
    # a quarter yes at 3/4, three quarters no at 1/4: both weigh alike
    assert total.item() == pytest.approx(.6931 * 1.5, abs=1e-3)
    assert count == 4


def test_errors_and_angles():
    found = depth_errors(torch.tensor([-1., 3.]), torch.tensor([1., 2.]))
    assert found['abs'].item() == pytest.approx(2)
    assert found['rel'].item() == pytest.approx(1.5)
    assert found['log_square'].isfinite()
    same = torch.tensor([[0., 0, 1]])
    assert angles(same, same).item() == 0
    assert angles(same, -same).item() == pytest.approx(180)


def test_counts_at_thresholds():
    counts = yes_no_counts(torch.tensor([.1, .6, .9]),
                           torch.tensor([1, 0, 1]), torch.tensor([.5, .95]))
    assert counts.tolist() == [[1, 1, 1], [0, 0, 2]]


def test_saliency_of_images_pools():
    """Two processes with an image each are one with both."""
    torch.manual_seed(0)
    logits = torch.randn(2, 1, 4, 4)
    labels = torch.zeros(2, 1, 4, 4)
    labels[0, :, :1], labels[1, :, :3] = 1, 1
    whole = balanced_bce(logits, labels)[0]
    parts = [balanced_bce(logits[i:i + 1], labels[i:i + 1])[0]
             for i in (0, 1)]
    torch.testing.assert_close(whole, sum(parts))
    assert not torch.isclose(whole, balanced_bce(logits, labels, 'batch')[0])
