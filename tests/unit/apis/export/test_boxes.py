import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

from mmmultas.apis.export.boxes import NMS, dense_boxes
from mmmultas.models.heads import TridentAnchorHead
from mmmultas.utils.errors import ConfigError


def test_suppression_keeps_the_best():
    boxes = torch.tensor([[0., 0., 10., 10.], [1., 0., 10., 10.],
                          [20., 20., 30., 30.], [40., 0., 50., 9.]])
    scores = torch.tensor([.5, .9, .3, .01])
    assert NMS.apply(boxes, scores, 9, .5, .05).tolist() == [1, 2]
    assert NMS.apply(boxes, scores, 1, .5, .05).tolist() == [1]


def test_a_stock_anchor_head():
    torch.manual_seed(0)
    head = MODELS.build(dict(
        type='RetinaHead', num_classes=2, in_channels=4, stacked_convs=1,
        feat_channels=4, anchor_generator=dict(
            type='AnchorGenerator', octave_base_scale=2, scales_per_octave=2,
            ratios=[1.0, 2.0], strides=[8, 16]),
        test_cfg=ConfigDict(
            nms_pre=1000, score_thr=0.0, min_bbox_size=-1,
            nms=dict(type='nms', iou_threshold=1.0), max_per_img=10000)))
    for module in head.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight, std=.3)
    outputs = head([torch.randn(1, 4, 8, 8), torch.randn(1, 4, 4, 4)])
    scores, boxes = dense_boxes('det', head, outputs)
    want: InstanceData = head.predict_by_feat(
        *outputs, batch_img_metas=[dict(
            img_shape=(10**6, 10**6), scale_factor=(1., 1.))])[0]
    assert scores.shape == (1, 320, 2) and len(want) == 640
    found = scores[0].flatten().sort(descending=True)[0]
    torch.testing.assert_close(found, want.scores)
    best = scores[0].flatten().argmax() // 2
    torch.testing.assert_close(
        boxes[0, best].clamp(min=0), want.bboxes[0], rtol=1e-4, atol=1e-3)


def test_the_trident_head():
    head = TridentAnchorHead(
        2, in_channels=(4, ), in_strides=(16, ), paths=((), ), width=4,
        num_units=1, anchors=((6, 8), (20, 22), (40, 50))).eval()
    maps = head([torch.randn(1, 4, 4, 4)])
    scores, boxes = dense_boxes('det', head, maps)
    head.test_cfg['score_thr'] = 0.0
    want = head.predict_by_feat(
        *maps, batch_img_metas=[dict(img_shape=(64, 64),
                                     scale_factor=(1., 1.))])[0]
    assert scores.shape == (1, 48, 2)
    best = scores[0].flatten().argmax() // 2
    torch.testing.assert_close(boxes[0, best].clamp(0, 64), want.bboxes[0])


def test_scores_that_a_third_output_scales_are_refused():
    head = MODELS.build(dict(
        type='ATSSHead', num_classes=2, in_channels=4, stacked_convs=1,
        feat_channels=4, norm_cfg=None, anchor_generator=dict(
            type='AnchorGenerator', octave_base_scale=8, scales_per_octave=1,
            ratios=[1.0], strides=[8])))
    with pytest.raises(ConfigError, match='is a ATSSHead, which cannot'):
        dense_boxes('det', head, head([torch.randn(1, 4, 8, 8)]))


def test_other_heads_are_refused_by_name():
    with pytest.raises(ConfigError, match='heads.cars. is a Linear'):
        dense_boxes('cars', torch.nn.Linear(1, 1), None)
