import torch
import torch.nn.functional as F

from mmmultas.models.losses import CrossEntropyLoss


def test_mean_over_labelled_pixels():
    logits = torch.randn(2, 3, 4, 4)
    labels = torch.randint(0, 3, (2, 4, 4))
    labels[0, :2] = 255
    torch.testing.assert_close(
        CrossEntropyLoss()(logits, labels).mean(),
        F.cross_entropy(logits, labels, ignore_index=255))


def test_class_weights_give_a_weighted_mean():
    weight = [0.5, 1.0, 4.0]
    logits = torch.randn(2, 3, 4, 4)
    labels = torch.randint(0, 3, (2, 4, 4))
    labels[1, 0] = 255
    loss = CrossEntropyLoss(class_weight=weight)
    torch.testing.assert_close(
        loss(logits, labels).mean(),
        F.cross_entropy(
            logits, labels, torch.tensor(weight), ignore_index=255))
    assert not loss.state_dict()


def test_no_labelled_pixel():
    loss = CrossEntropyLoss()(torch.randn(1, 3, 2, 2),
                              torch.full((1, 2, 2), 255))
    assert loss.mean() == 0 and loss.count == 0


def test_scores_before_upsampling():
    logits = torch.randn(2, 3, 4, 4)
    labels = torch.randint(0, 3, (2, 15, 16))
    labels[1, 0] = 255
    loss = CrossEntropyLoss(class_weight=[0.5, 1.0, 4.0], loss_weight=2)
    big = F.interpolate(logits, scale_factor=4)[:, :, :15]
    for ours, slow in zip(vars(loss.of_upsampled(logits, labels, 4)).values(),
                          vars(loss(big, labels)).values()):
        torch.testing.assert_close(ours, slow)
