import pytest
import torch

from mmmultas.functional.boxes import cxcywh_to_xyxy, pairwise_iou
from mmmultas.functional.cell_boxes import (cell_anchors, cluster_shapes,
                                            decode_in_cells, encode_in_cells,
                                            match_shapes, shape_iou)

SHAPES = torch.tensor([[[6., 8.], [12., 9.]], [[20., 30.], [50., 40.]]])


@pytest.fixture(scope='module')
def anchors():
    """Two branches of two shapes on 3 x 5 cells of 16 pixels."""
    return torch.stack([cell_anchors(s, (3, 5), 16).view(15, 2, 4)
                        for s in SHAPES])


def random_boxes(count, seed=0):
    rng = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=rng) * torch.tensor([76., 44.])
    size = 2 + torch.rand(count, 2, generator=rng) * 40
    return torch.cat([low, low + size], 1)


def test_anchors_stand_at_cell_centres(anchors):
    assert anchors[0, 6, 1].tolist() == [24., 24., 12., 9.]
    assert anchors[1, 14, 0].tolist() == [72., 40., 20., 30.]


def test_shape_overlap_is_that_of_boxes_in_one_place():
    one, two = torch.rand(4, 2) * 9 + 1, torch.rand(3, 2) * 9 + 1
    boxes = [cxcywh_to_xyxy(torch.cat([torch.zeros_like(x), x], 1))
             for x in (one, two)]
    torch.testing.assert_close(shape_iou(one, two), pairwise_iou(*boxes))


def test_coding_there_and_back(anchors):
    flat = anchors.reshape(-1, 4)
    boxes = random_boxes(30)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    # an anchor in whose cell the centre lies
    own = torch.stack([
        next(i for i, a in enumerate(flat)
             if ((c - a[:2]).abs() <= 8).all()) * torch.tensor(1)
        for c in centres.clamp(max=torch.tensor([79., 47.]))])
    code = encode_in_cells(flat[own], boxes, 16)
    inside = (code[:, :2] > 1e-5).all(1) & (code[:, :2] < 1 - 1e-5).all(1)
    assert inside.sum() > 20
    raw = torch.cat([code[:, :2].logit(), code[:, 2:]], 1)
    torch.testing.assert_close(
        decode_in_cells(flat[own], raw, 16)[inside], boxes[inside],
        rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize('seed', range(4))
def test_matching_against_a_loop(anchors, seed):
    boxes = random_boxes(9, seed)
    flat = anchors.reshape(-1, 4)
    owner = {}
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    for m in areas.argsort().tolist():  # the largest last
        x1, y1, x2, y2 = boxes[m].tolist()
        overlaps = [
            min(x2 - x1, w) * min(y2 - y1, h) /
            ((x2 - x1) * (y2 - y1) + w * h -
             min(x2 - x1, w) * min(y2 - y1, h))
            for w, h in SHAPES.reshape(-1, 2).tolist()]
        best = overlaps.index(max(overlaps))
        column = min(int((x1 + x2) / 2 // 16), 4)
        row = min(int((y1 + y2) / 2 // 16), 2)
        owner[(best // 2 * 15 + row * 5 + column) * 2 + best % 2] = m
    match = match_shapes(anchors, boxes, 16, 5)
    assert dict(zip(match.positive.tolist(), match.box.tolist())) == owner
    overlap = pairwise_iou(cxcywh_to_xyxy(flat), boxes).amax(1)
    expected = {i for i in range(len(flat))
                if overlap[i] > .5 and i not in owner}
    assert set(match.ignored.nonzero().squeeze(1).tolist()) == expected


def test_an_image_without_boxes_ignores_nothing(anchors):
    match = match_shapes(anchors, torch.zeros(0, 4), 16, 5)
    assert not len(match.positive) and not match.ignored.any()


def test_clusters_find_groups():
    groups = torch.tensor([[4., 4.], [30., 10.], [40., 60.]])
    rng = torch.Generator().manual_seed(0)
    boxes = (groups[:, None] * (
        1 + .1 * torch.randn(3, 50, 2, generator=rng))).reshape(-1, 2)
    found, overlap = cluster_shapes(boxes, boxes[[120, 3, 60]])
    torch.testing.assert_close(found, groups, rtol=.05, atol=0)
    assert overlap == pytest.approx(
        shape_iou(boxes, found).amax(1).mean().item())
    assert overlap > .8
