import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmmultas.analysis.target_panels import (GREY, OPEN, POSITIVE, Canvas,
                                             box_panels, centre_scores,
                                             mask_panels)
from mmmultas.models.companions.box_view import box_view
from mmmultas.models.companions.label_spaces import Pair
from mmmultas.structures import sem_seg_data

PAIR = Pair('det', 'seg', (1, 2), 3)
COLOURS = [(0, 0, 0), (200, 0, 0), (0, 0, 200)]
#: Height of a caption over panels of this size.
TOP = 24


@pytest.fixture
def canvas():
    image = np.full((64, 64, 3), 128, np.uint8)
    return Canvas(image, 2, COLOURS, ('background', 'square', 'bar'))


@pytest.fixture
def view():
    sample = DetDataSample(metainfo=dict(
        img_shape=(64, 64), tasks=('det', ), visible=(0, 0, 64, 48)))
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8., 8., 40., 40.]]), labels=torch.tensor([1]))
    sample.lost_instances = InstanceData(
        bboxes=torch.tensor([[48., 8., 70., 40.]]), labels=torch.tensor([0]))
    return box_view(sample, PAIR, torch.zeros(3, 16, 16))


def at(panel, x, y):
    """The colour of a pixel of the input."""
    return panel[TOP + 2 * y, 2 * x].astype(int)


def test_what_boxes_say(canvas, view):
    scores = centre_scores(view, 3)
    panels = box_panels(canvas, view, scores, torch.full((3, ), .3), .15,
                        torch.zeros(3, 16, 16), .3)
    assert len(panels) == 8
    assert {p.shape for p in panels} == {(128 + TOP, 128, 3)}
    _, sets, ranks, lines, pairs, filled, inner, _ = panels
    for panel in (sets, ranks, filled, inner):
        red, _, blue = at(panel, 25, 25)
        assert blue > red  # the class
    # outside of all boxes: background; of a lost box and fillings: open
    assert at(sets, 3, 3).max() < 100 and at(filled, 3, 3).min() == 128
    for place in ((57, 25), (25, 57)):
        assert at(sets, *place).min() > 150
    # the rank of what lies in the middle is the best, of corners the worst
    assert at(ranks, 11, 11).max() < 100
    assert at(inner, 11, 11).min() > 150
    # pairs start in the box and end up to two cells beside it
    for panel, colour, beside in ((lines, COLOURS[2], 0),
                                  (pairs, POSITIVE, 16)):
        drawn = (panel == colour).all(-1)[TOP:]
        assert drawn[40:50, 40:50].any()
        for axis in (0, 1):
            ends = drawn.any(axis).nonzero()[0]
            assert 16 - beside <= ends.min() <= 24
            assert 72 <= ends.max() <= 80 + beside


def test_an_axis_that_a_crop_cut_is_not_drawn(canvas, view):
    view.cut[0, 0] = True  # left or right: rows say nothing
    panel = box_panels(canvas, view, centre_scores(view, 3),
                       torch.full((3, ), .3), .15, torch.zeros(3, 16, 16),
                       .3)[3]
    drawn = (panel == COLOURS[2]).all(-1)[TOP:]
    # columns alone: every row of pixels in the box has as many
    assert set(drawn[20:70].sum(1).tolist()) == {8}


class Made:
    """Stands for a MaskForBox: one object, and anchors beside it."""
    min_area, rel = .001, .25

    def targets(self, pair, view, anchors, sure):
        sample = DetDataSample()
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[8., 8., 40., 40.]]),
            labels=torch.tensor([1]))
        uncertain = torch.zeros(len(anchors), 2, dtype=torch.bool)
        uncertain[:2, 1] = uncertain[2, 0] = True
        return sample, uncertain


def test_what_masks_say(canvas):
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[0, 8:40, 8:40] = 2
    mask[0, 50:54, 50:54] = 2  # too small beside the other
    view = DetDataSample(metainfo=dict(img_shape=(64, 64), tasks=('seg', )))
    view.gt_sem_seg = sem_seg_data(mask)
    anchors = torch.tensor([[8., 8., 40., 40.], [20., 20., 28., 28.],
                            [46., 46., 58., 58.]])
    masks, boxes, dots = mask_panels(canvas, Made(), PAIR, view, anchors)
    assert at(masks, 20, 20)[2] > at(masks, 20, 20)[0]
    assert at(masks, 60, 4).tolist() == [128] * 3
    assert (boxes == COLOURS[2]).all(-1).any()
    assert (at(boxes, 50, 52) == GREY).all()
    green, orange = ((dots == colour).all(-1) for colour in (POSITIVE, OPEN))
    # the second anchor's centre is that of the first one, which matches
    assert green[TOP + 48, 48] and not orange.any()
    dots = mask_panels(canvas, Made(), PAIR, view, anchors.flip(0))[2]
    assert (at(dots, 52, 52) == OPEN).all()
