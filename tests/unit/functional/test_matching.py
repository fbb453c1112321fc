import torch
from naive_boxes import match

from mmmultas.functional.matching import match_by_iou


def _boxes(count, seed):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator) * 50
    return torch.cat(
        [low, low + 5 + torch.rand(count, 2, generator=generator) * 40], 1)


def test_equals_the_loop():
    for seed in range(5):
        anchors, boxes = _boxes(40, seed), _boxes(6, seed + 100)
        result = match_by_iou(anchors, boxes)
        expected = match(anchors.tolist(), boxes.tolist())
        torch.testing.assert_close(result.overlap,
                                   torch.tensor([x for x, _ in expected]))
        assert result.gt_index.tolist() == [j for _, j in expected]


def test_the_later_of_two_boxes_wins_a_shared_anchor():
    anchors = torch.tensor([[0., 0., 10., 10.], [50., 50., 60., 60.]])
    boxes = torch.tensor([[0., 0., 10., 8.], [0., 0., 10., 6.]])
    result = match_by_iou(anchors, boxes)
    assert result.gt_index[0] == 1 and result.overlap[0] == 1


def test_no_boxes_match_nothing():
    result = match_by_iou(_boxes(5, 0), torch.zeros(0, 4))
    assert result.overlap.tolist() == [0] * 5
    assert result.gt_index.dtype == torch.int64
