import pytest
import torch
from mmcv.ops import DeformConv2dPack
from mmengine.registry import init_default_scope
from torch import nn

from mmmultas.models.multitask.memory_order import memory_format
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

LAST, CONTIGUOUS = torch.channels_last, torch.contiguous_format


@pytest.mark.parametrize('gpu, asked, order', [
    (False, None, LAST), (True, None, CONTIGUOUS), (True, True, LAST),
    (False, False, CONTIGUOUS)])
def test_by_machine(monkeypatch, gpu, asked, order):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    assert memory_format(nn.Conv2d(1, 1, 1), asked) == order


def test_deformable_convolutions_want_the_other_order():
    net = nn.Sequential(DeformConv2dPack(1, 1, 3))
    assert memory_format(net) == CONTIGUOUS
    with pytest.raises(ConfigError, match='work with DeformConv2dPack of'):
        memory_format(net, True)


def test_a_head_of_deformable_convolutions_learns():
    init_default_scope('mmdet')
    cfg = toy_model(('det', ))
    cfg['heads']['det'] = dict(
        type='VFNetHead', num_classes=2, in_channels=8, feat_channels=8,
        stacked_convs=1, strides=[8, 16], norm_cfg=None,
        regress_ranges=((-1, 64), (64, 1e8)),
        anchor_generator=dict(
            type='AnchorGenerator', ratios=[1.0], octave_base_scale=8,
            scales_per_octave=1, center_offset=0.0, strides=[8, 16]),
        train_cfg=dict(
            assigner=dict(type='ATSSAssigner', topk=9), allowed_border=-1))
    model = MODELS.build(cfg)
    data = model.data_preprocessor(toy_batch(('det', )), True)
    losses = model(**data, mode='loss')
    assert 'det.loss_bbox_rf' in losses
