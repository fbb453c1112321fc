import math

import pytest
import torch
from naive_boxes import iou

from mmmultas.functional.boxes import (anchor_shapes, cxcywh_to_xyxy,
                                       decode_boxes, encode_boxes,
                                       grid_anchors, pairwise_iou,
                                       xyxy_to_cxcywh)


def _random_boxes(count, generator):
    low = torch.rand(count, 2, generator=generator) * 50
    return torch.cat(
        [low, low + 1 + torch.rand(count, 2, generator=generator) * 40], 1)


def test_iou_equals_a_loop_over_pairs():
    generator = torch.Generator().manual_seed(0)
    a, b = (_random_boxes(n, generator) for n in (13, 7))
    expected = [[iou(p, q) for q in b.tolist()] for p in a.tolist()]
    torch.testing.assert_close(pairwise_iou(a, b), torch.tensor(expected))


def test_iou_limits():
    box = torch.tensor([[2., 2., 6., 8.]])
    assert pairwise_iou(box, box).item() == 1
    assert pairwise_iou(box, box + 100).item() == 0
    empty = torch.zeros(1, 4)
    assert pairwise_iou(empty, empty).item() == 0
    assert pairwise_iou(box, torch.zeros(0, 4)).shape == (1, 0)


def test_centres_and_corners_are_inverse():
    boxes = _random_boxes(9, torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        cxcywh_to_xyxy(xyxy_to_cxcywh(boxes)), boxes)


def test_coding_is_inverse_and_scaled():
    generator = torch.Generator().manual_seed(2)
    anchors, boxes = (_random_boxes(20, generator) for _ in range(2))
    deltas = encode_boxes(anchors, boxes)
    torch.testing.assert_close(
        decode_boxes(anchors, deltas), boxes, atol=1e-3, rtol=1e-4)
    anchor = torch.tensor([[0., 0., 10., 20.]])
    moved = torch.tensor([[1., 0., 11., 20.]])
    wide = torch.tensor([[-5., 0., 15., 20.]])
    torch.testing.assert_close(
        encode_boxes(anchor, moved), torch.tensor([[1., 0., 0., 0.]]))
    torch.testing.assert_close(
        encode_boxes(anchor, wide),
        torch.tensor([[0., 0., math.log(2) / 0.2, 0.]]))


def test_anchor_shapes_keep_area_and_order():
    shapes = anchor_shapes(24, (1, 2**0.5), (1, 2, 0.5))
    torch.testing.assert_close(
        shapes.prod(1), torch.tensor([576.] * 3 + [1152.] * 3))
    torch.testing.assert_close(shapes[1], torch.tensor([24 * 2**0.5,
                                                        24 / 2**0.5]))


def test_grid_walks_rows_then_columns_then_shapes():
    shapes = torch.tensor([[4., 4.], [8., 2.]])
    anchors = grid_anchors(shapes, (2, 3), 8, (16, 24))
    assert anchors.shape == (12, 4)
    assert anchors[0].tolist() == [4, 4, 4, 4]
    assert anchors[1].tolist() == [4, 4, 8, 2]
    assert anchors[2].tolist() == [12, 4, 4, 4]
    assert anchors[6].tolist() == [4, 12, 4, 4]


@pytest.mark.parametrize('size, expected', [((16, 24), [24., 16.]),
                                            ((100, 100), [50., 30.])])
def test_a_side_longer_than_the_image_is_cut(size, expected):
    anchors = grid_anchors(torch.tensor([[50., 30.]]), (1, 1), 8, size)
    assert anchors[0, 2:].tolist() == expected
