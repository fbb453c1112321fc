import random

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import HorizontalBoxes

from mmmultas.datasets.readers import BoxLabels
from mmmultas.datasets.transforms.geometry import (CropExpand, RandomFlip,
                                                   Squash)
from mmmultas.datasets.transforms.in_view import (cut_view, flip_view,
                                                  lose_boxes, scale_view)
from mmmultas.datasets.transforms.packing import PackInputs

BOXES = np.float32([[8, 8, 24, 20], [30, 2, 38, 30], [0, 22, 9, 32]])


def results(tasks=('det', 'parts')):
    """Grey where there is nothing, and boxes filled with 200."""
    img = np.full((32, 40, 3), 50, np.uint8)
    for x1, y1, x2, y2 in BOXES.astype(int):
        img[y1:y2, x1:x2] = 200
    labels, ignored = np.arange(3), np.array([False, False, True])
    return dict(
        img=img, tasks=tasks, kinds=dict(parts='boxes'), ori_shape=(32, 40),
        gt_bboxes=HorizontalBoxes(torch.from_numpy(BOXES.copy())),
        gt_bboxes_labels=labels, gt_ignore_flags=ignored,
        gt_parts=BoxLabels(BOXES.copy(), labels + 5, ignored))


def test_a_cut_a_flip_and_a_resize():
    given = results()
    window = (20, -8, 60, 24)
    cut_view(given, window)
    for task in ('det', 'parts'):
        lose_boxes(given, task, np.array([True, False, True]), window)
    assert given['visible'] == (0, 8, 20, 32)
    # the third one is out of view, the first one's last columns are seen
    assert given['lost']['det'].bboxes.tolist() == [[0, 16, 4, 28]]
    assert given['lost']['det'].labels.tolist() == [0]
    assert given['lost']['parts'].labels.tolist() == [5]
    flip_view(given, 40)
    assert given['visible'] == (20, 8, 40, 32)
    assert given['lost']['det'].bboxes.tolist() == [[36, 16, 40, 28]]
    scale_view(given, np.array([.5, 2, .5, 2]))
    assert given['visible'] == (10, 16, 20, 64)
    assert given['lost']['parts'].bboxes.tolist() == [[18, 32, 20, 56]]
    # a second cut forgets what leaves the view
    given['img'] = np.zeros((64, 20, 3), np.uint8)
    cut_view(given, (0, 0, 15, 64))
    assert given['visible'] == (10, 16, 15, 64)
    assert len(given['lost']['det'].bboxes) == 0


def test_an_image_that_nobody_cuts_has_neither():
    given = results()
    scale_view(given, np.ones(4))
    flip_view(given, 40)
    assert 'visible' not in given and 'lost' not in given
    sample = PackInputs(())(given)['data_samples']
    assert 'lost_instances' not in sample and 'visible' not in sample


def _moved(seed):
    random.seed(seed)
    given = results()
    crop = CropExpand(1., height=(.4, 1.6), ratio=(.8, 1.))
    for step in (Squash((64, 60)), crop, RandomFlip(), Squash(192)):
        given = step(given)
    return PackInputs(())(given)


@pytest.mark.parametrize('half', [0, 1])
def test_outside_of_all_boxes_nothing_is_seen(half):
    """However an image moves: no object, no border, in the part left."""
    lost = cut = 0
    for seed in range(half * 60, half * 60 + 60):
        packed = _moved(seed)
        sample, image = packed['data_samples'], packed['inputs'][0]
        seen = sample.metainfo.get('visible', (0, 0, 192, 192))
        cut += 'visible' in sample
        fields = [sample.gt_instances, sample.ignored_instances]
        if 'lost_instances' in sample:
            fields.append(sample.lost_instances)
            lost += len(sample.lost_instances)
        outside = torch.zeros(192, 192, dtype=torch.bool)
        x1, y1, x2, y2 = seen
        # pixels that a resize mixes count to neither side
        m = 18
        outside[int(y1) + m:int(y2) - m,
                int(x1) + m:int(x2) - m] = True
        for boxes in fields:
            for x1, y1, x2, y2 in boxes.bboxes.tolist():
                outside[max(int(y1) - m, 0):int(y2) + m,
                        max(int(x1) - m, 0):int(x2) + m] = False
        assert (image[outside] == 50).all(), seed
    assert cut and lost


def test_lost_boxes_of_every_detector_are_packed():
    samples = [_moved(seed)['data_samples'] for seed in range(40)]
    both = [s for s in samples if 'lost_instances' in s]
    assert both and all('lost_parts' in s for s in both)
    for sample in both:
        assert (sample.lost_parts.labels
                == sample.lost_instances.labels + 5).all()
        assert torch.equal(sample.lost_parts.bboxes,
                           sample.lost_instances.bboxes)
        whole = len(sample.gt_instances) + len(sample.ignored_instances)
        assert whole + len(sample.lost_instances) <= 3
