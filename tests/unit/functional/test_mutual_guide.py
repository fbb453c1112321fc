import pytest
import torch

from mmmultas.functional.mutual_guide import (class_qualities,
                                              match_by_quality,
                                              region_qualities)


def _naive(quality, num_top=15):
    """The rule, box by box and anchor by anchor."""
    num_anchors, num_boxes = quality.shape
    own = [[0.0] * num_boxes for _ in range(num_anchors)]
    for a in range(num_anchors):
        best = max(range(num_boxes), key=lambda m: float(quality[a, m]))
        own[a][best] = float(quality[a, best])
    matched = {}
    for m in range(num_boxes):
        ranked = sorted(range(num_anchors), key=lambda a: -own[a][m])
        total = sum(own[a][m] for a in ranked[:num_top])
        some = [a for a in ranked if own[a][m] > 0]
        for a in some[:max(1, int(total))]:
            matched[a] = m
    return matched


@pytest.mark.parametrize('seed', range(5))
def test_as_the_readable_version(seed):
    torch.manual_seed(seed)
    quality = torch.rand(60, 4, dtype=torch.float64)**2
    quality[:, 3] *= seed > 0  # a box that no anchor knows
    match = match_by_quality(quality)
    expected = _naive(quality)
    assert set(match.positive.nonzero().flatten().tolist()) == set(expected)
    for anchor, box in expected.items():
        assert match.gt_index[anchor] == box
        assert match.quality[anchor] == quality[anchor, box]
    assert (match.quality[~match.positive] == 0).all()


def test_a_box_of_little_quality_gets_one_anchor():
    match = match_by_quality(torch.tensor([[.1], [.2], [.0]]))
    assert match.positive.tolist() == [False, True, False]


def test_a_box_of_no_quality_gets_none():
    assert not match_by_quality(torch.zeros(5, 2)).positive.any()


def test_no_box():
    match = match_by_quality(torch.zeros(5, 0))
    assert not match.positive.any() and match.quality.tolist() == [0] * 5


def test_a_sure_class_raises_the_overlap_but_not_over_one():
    anchors = torch.tensor([[0., 0., 2., 2.], [0., 0., 2., 1.]])
    box = torch.tensor([[0., 0., 2., 2.]])
    quality = region_qualities(anchors, torch.tensor([[0., 99.]] * 2), box,
                               torch.tensor([1]))
    torch.testing.assert_close(
        quality[:, 0], torch.tensor([1., 0.5 * 1.6487213]))


def test_boxes_are_compared_as_predicted():
    box = torch.tensor([[0., 0., 4., 4.]])
    assert class_qualities(box, box).item() == 1
    assert class_qualities(box - 2, box).item() == pytest.approx(4 / 28)
