import pytest
import torch

from mmmultas.functional.consistency import (mixture_threshold,
                                             soft_anchor_sums, warp_boxes,
                                             warp_map)


def test_a_map_and_its_boxes_move_alike():
    labels = torch.zeros(16, 16, dtype=torch.long)
    labels[4:10, 2:7] = 1
    matrix = torch.tensor([[-2., 0., 30.], [0., 2., -4.], [0., 0., 1.]])
    moved = warp_map(labels, matrix, (28, 32))
    boxes, seen = warp_boxes(torch.tensor([[2., 4., 7., 10.]]), matrix,
                             (28, 32))
    ys, xs = (moved == 1).nonzero().unbind(1)
    assert boxes.tolist() == [[xs.min(), ys.min(), xs.max() + 1,
                               ys.max() + 1]]
    assert seen.item() == 1 and (moved == 255).any()
    # in cells of four pixels the same place
    cells = warp_map(labels[::4, ::4], matrix, (7, 8), stride=4)
    assert cells.shape == (7, 8)
    same = warp_map(labels, torch.eye(3), (16, 16))
    assert torch.equal(same, labels)


def test_soft_labels_of_the_best_anchors():
    teacher = torch.tensor([[3., -5.], [-4., -5.], [-6., 2.], [-6., -6.]])
    student = torch.zeros(4, 2, requires_grad=True)
    total, count = soft_anchor_sums(student, teacher, .5)
    probs = teacher.sigmoid()
    torch.testing.assert_close(count, probs[0, 0] + probs[2, 1])
    target = torch.stack([probs[0], 0 * probs[1], probs[2], 0 * probs[3]])
    expected = ((target - .5).abs()**2 * torch.tensor(2.).log()).sum()
    torch.testing.assert_close(total, expected)
    total.backward()
    assert (student.grad[0, 0] < 0) and (student.grad[1] > 0).all()


def test_what_labels_exclude_is_negative():
    teacher = torch.tensor([[3., -5.], [-4., -5.]])
    student = torch.zeros(2, 2)
    allowed = torch.tensor([[False, True], [True, True]])
    total, count = soft_anchor_sums(student, teacher, .5, allowed)
    assert count < .1  # the sure one is not there
    ignore = torch.ones(2, 2, dtype=torch.bool)
    less, _ = soft_anchor_sums(student, teacher, .5, allowed, ignore)
    assert 0 < less < total


@pytest.mark.parametrize('low, high', [(.1, .6), (.3, .9)])
def test_two_groups_of_scores(low, high):
    torch.manual_seed(1)
    scores = torch.cat([low + .03 * torch.randn(60),
                        high + .03 * torch.randn(20)])
    found = mixture_threshold(scores)
    assert low + .1 < found <= high
    assert mixture_threshold(torch.full((5, ), .4)) == pytest.approx(.4)
