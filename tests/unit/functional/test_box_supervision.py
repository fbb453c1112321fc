import torch

from mmmultas.functional.box_supervision import (NONE, allowed_classes,
                                                 box_cells, cut_sides,
                                                 line_dice, line_mil, narrowed,
                                                 rank_targets, set_losses,
                                                 smallest_on_top)

FREE = torch.tensor([True, False, False])


def _scene():
    boxes = torch.tensor([[4., 4., 36., 28.], [20., 12., 60., 44.]])
    return box_cells(boxes, (12, 16)), torch.tensor([1, 2])


def test_what_boxes_allow_contains_the_truth():
    cells, labels = _scene()
    allowed = allowed_classes(cells, labels, FREE)
    assert allowed[0].all()
    assert torch.equal(allowed[1], cells[0])
    logits = torch.zeros(3, 12, 16, requires_grad=True)
    losses = set_losses(logits, allowed)
    both = cells.all(0)
    assert losses[both].abs().max() < 1e-6  # three of three classes
    losses.sum().backward()
    # outside of boxes it is cross-entropy to the background
    outside = ~cells.any(0)
    expected = torch.tensor([-2 / 3, 1 / 3, 1 / 3])
    for k in range(3):
        torch.testing.assert_close(logits.grad[k][outside],
                                   expected[k].expand(int(outside.sum())))
    assert torch.isfinite(logits.grad).all()


def test_ranks_keep_the_share_of_foreground():
    """However sure of background the network is, boxes do not empty."""
    cells, labels = _scene()
    allowed = allowed_classes(cells, labels, FREE)
    logits = torch.randn(3, 12, 16)
    logits[0] += 50
    target = rank_targets(logits, allowed, cells, labels,
                          torch.tensor([.5, .6]), .1)
    alone = cells[0] & ~cells[1]
    share = (target[cells[0]] == 1).float().mean()
    assert .3 < share <= .4 + 1e-6
    # background is said outside, and never where two classes meet
    assert (target[~cells.any(0)] == NONE).all()
    assert not (target[cells.all(0)] == NONE).any()
    assert (target[alone] == NONE).any()
    # what it says narrows what the boxes allow
    inside = narrowed(allowed, target, FREE)
    assert (allowed | ~inside).all() and inside.any(0).all()


def test_nothing_is_background_under_a_lost_box():
    cells, labels = _scene()
    lost = box_cells(torch.tensor([[0., 0., 64., 8.]]), (12, 16))[0]
    allowed = allowed_classes(cells, labels, FREE)
    target = rank_targets(torch.randn(3, 12, 16), allowed, cells, labels,
                          torch.full((2, ), .5), .1, lost)
    assert not (target[lost] == NONE).any()
    assert (target[lost & ~cells.any(0)] == 255).all()


def test_images_without_boxes():
    cells, labels = torch.zeros(0, 4, 5).bool(), torch.zeros(0).long()
    allowed = allowed_classes(cells, labels, FREE)
    logits = torch.randn(3, 4, 5)
    target = rank_targets(logits, allowed, cells, labels, torch.zeros(0), .1)
    assert (target == NONE).all()
    losses, speak = line_mil(logits, cells, labels)
    assert losses.shape == speak.shape == (0, )
    assert (smallest_on_top(cells, labels, torch.zeros(0)) == NONE).all()


def test_projections_are_those_of_the_box():
    cells = box_cells(torch.tensor([[4., 4., 16., 12.]]), (6, 8))
    # whoever fills the box, or crosses it, projects as it does
    cross = torch.zeros(1, 6, 8)
    cross[0, 1, 1:4] = cross[0, 1:3, 1] = 1
    for probs in (cells.float(), cross):
        losses, speak = line_dice(probs, cells)
        assert speak.all() and losses.abs() < 1e-4
    beside = cross.roll(3, 2)
    columns = torch.zeros(1, 2, dtype=torch.bool)
    columns[0, 0] = True  # rows say nothing
    for cut in (None, columns):
        torch.testing.assert_close(line_dice(beside, cells, cut)[0],
                                   torch.ones(1), rtol=0, atol=1e-4)
    losses, speak = line_dice(cross, cells, torch.ones(1, 2).bool())
    assert not speak.any() and losses == 0
    assert line_dice(cross[:0], cells[:0])[0].shape == (0, )


def test_lines_that_a_crop_cut_say_nothing():
    boxes = torch.tensor([[0., 4., 12., 16.], [4., 4., 20., 16.]])
    visible, size = (0., 2., 24., 24.), (24, 32)
    cut = cut_sides(boxes, visible, size)
    assert cut.tolist() == [[True, False], [False, False]]
    cells = box_cells(boxes, (6, 8))
    logits = torch.randn(3, 6, 8, requires_grad=True)
    losses, speak = line_mil(logits, cells, torch.tensor([1, 2]), cut)
    assert speak.all()
    logs = logits.log_softmax(0)[1, 1:4, 0:3]
    torch.testing.assert_close(losses[0], -logs.amax(0).mean())
    losses.sum().backward()
    assert torch.isfinite(logits.grad).all()
    both = torch.ones(1, 2, dtype=torch.bool)
    losses, speak = line_mil(logits, cells[:1], torch.tensor([1]), both)
    assert not speak.any() and losses.item() == 0
    # a box so small that it has no cell
    losses, speak = line_mil(logits, torch.zeros(1, 6, 8).bool(),
                             torch.tensor([1]))
    assert not speak.any() and losses.item() == 0
