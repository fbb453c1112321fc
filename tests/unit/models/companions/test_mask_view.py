import torch
from mmdet.structures import DetDataSample

from mmmultas.models.companions.mask_view import pixels_of, unclear_boxes
from mmmultas.structures import sem_seg_data

BOXES = torch.tensor([[0., 0., 4., 4.], [2., 0., 6., 4.], [9., 9., 12., 12.]])


def _sample(mask, **meta):
    sample = DetDataSample(metainfo=dict(img_shape=mask.shape[-2:]) | meta)
    sample.gt_sem_seg = sem_seg_data(mask[None])
    return sample


def test_pixels_without_padding():
    mask = torch.arange(16).reshape(4, 4)
    assert pixels_of(_sample(mask, img_shape=(2, 3))).tolist() == [
        [0, 1, 2], [4, 5, 6]]


def test_hidden_pixels_say_nothing():
    mask = torch.zeros(8, 8, dtype=torch.long)
    assert unclear_boxes(_sample(mask), BOXES, 0.).tolist() == [False] * 3
    mask[:, :4] = 255
    assert unclear_boxes(_sample(mask), BOXES, .5).tolist() == [
        True, True, False]
    assert unclear_boxes(_sample(mask), BOXES, .6).tolist() == [
        True, False, False]
    # what a crop filled shows nothing at all
    assert unclear_boxes(_sample(mask, visible=(4., 0., 8., 8.)), BOXES,
                         .5).tolist() == [False] * 3
    for hidden in (dict(), dict(visible=(0., 0., 4., 8.))):
        if not hidden:
            mask = torch.full_like(mask, 255)
        assert unclear_boxes(_sample(mask, **hidden), BOXES, .5).all()
