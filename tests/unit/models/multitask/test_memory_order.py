import pytest
import torch
from mmcv.ops import DeformConv2dPack
from mmengine.registry import init_default_scope

from mmmultas.models.multitask.memory_order import lay_out
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError

LAST, CONTIGUOUS = torch.channels_last, torch.contiguous_format
STOCK = dict(type='FPNHead', feature_strides=[8, 16], in_channels=[8, 8],
             in_index=[0, 1], channels=8, num_classes=3)


def _model(heads=None, **kwargs):
    init_default_scope('mmdet')
    cfg = toy_model(**kwargs)
    cfg['heads'].update(heads or {})
    return MODELS.build(cfg)


@pytest.mark.parametrize('gpu, asked, order', [
    (False, None, LAST), (True, None, CONTIGUOUS), (True, True, LAST),
    (False, False, CONTIGUOUS)])
def test_by_machine(monkeypatch, gpu, asked, order):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    model = _model(channels_last=asked)
    assert model.memory_format == order
    weight = model.heads['det'].cls_branches[0][0][0].weight
    assert weight.is_contiguous(memory_format=order)
    assert not model.contiguous_features


def test_stock_heads_get_the_usual_order():
    """They may call `view`; the encoder is as fast as it can be."""
    model = _model(dict(seg=STOCK))
    assert model.memory_format == LAST and model.contiguous_features
    x = model.data_preprocessor(toy_batch(), False)['inputs']
    assert all(level.is_contiguous() for level in model.encode(x))
    for weight in model.heads['seg'].parameters():
        assert weight.is_contiguous()


def test_a_stock_encoder_keeps_the_usual_order():
    cfg = toy_model()
    cfg['backbone'] = dict(type='mmdet.PyramidVisionTransformer', embed_dims=8,
                           num_layers=[1, 1, 1, 1], out_indices=(1, 2))
    cfg['neck']['in_channels'] = [16, 40]
    init_default_scope('mmdet')
    assert MODELS.build(cfg).memory_format == CONTIGUOUS


def test_deformable_convolutions_cannot_do_it():
    model = _model()
    model.neck.add_module('x', DeformConv2dPack(1, 1, 3))
    lay_out(model)
    assert model.memory_format == CONTIGUOUS
    with pytest.raises(ConfigError, match='work with DeformConv2dPack of'):
        lay_out(model, True)


@pytest.mark.operators
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
