import copy

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope

from mmmultas.analysis.grad_cam import CamTarget, LayerTap, explain, find_layer
from mmmultas.registry import MODELS
from mmmultas.testing import ToyDataset, toy_model
from mmmultas.utils.errors import ConfigError

LINEAR = dict(
    type='FCNHead', in_channels=8, in_index=0, channels=8, num_convs=0,
    concat_input=False, num_classes=3, dropout_ratio=0)


def _model(det=None, seg=None):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    cfg = toy_model()
    cfg['heads']['det'] = det or dict(
        cfg['heads']['det'], test_cfg=dict(score_thr=0.0, max_per_img=50))
    cfg['heads']['seg'] = seg or cfg['heads']['seg']
    model = MODELS.build(cfg).eval()
    torch.nn.init.normal_(model.heads['seg'].conv_seg.weight)
    return model


@pytest.fixture
def packed():
    return ToyDataset(1, augment=False)[0]


def _feats(model, packed):
    data = model.data_preprocessor(
        dict(inputs=[packed['inputs']],
             data_samples=[packed['data_samples']]), False)
    with torch.no_grad():
        return model.encode(data['inputs'])


@pytest.mark.parametrize('region', [None, (0, 0, 63, 63), (8, 16, 39, 63)])
def test_a_linear_head_gives_the_closed_form(packed, region):
    """The heat is the class's own map: relu(w . x), whatever the region."""
    model = _model(seg=LINEAR)
    feats = _feats(model, packed)[0][0]
    predicted = model.heads['seg'](_feats(model, packed)).argmax(1)
    label = int(predicted.flatten().mode().values)
    found = explain(model, packed, 'neck',
                    CamTarget('seg', label, region=region), level=0)
    weight = model.heads['seg'].conv_seg.weight[label, :, 0, 0].detach()
    cam = torch.einsum('c,chw->hw', weight, feats).relu()
    cam = torch.nn.functional.interpolate(
        cam[None, None], size=(64, 64), mode='bilinear')[0, 0]
    assert cam.max() > 0
    np.testing.assert_allclose(found.heat, cam / cam.max(), atol=1e-5)
    if region is not None:
        x1, y1, x2, y2 = region
        assert found.pixels.sum() == (x2 - x1 + 1) * (y2 - y1 + 1)
        assert found.pixels[y1:y2 + 1, x1:x2 + 1].all()


def test_the_class_of_most_pixels(packed):
    model = _model(seg=LINEAR)
    with torch.no_grad():
        model.heads['seg'].conv_seg.weight.zero_()
        model.heads['seg'].conv_seg.bias.copy_(torch.tensor([1., 2., 0.]))
    found = explain(model, packed, 'neck', CamTarget('seg'))
    assert found.label == 1 and found.score == pytest.approx(2)
    assert found.pixels.all() and not found.heat.any()
    other = explain(model, packed, 'neck', CamTarget('seg', background=1))
    assert other.heat is None and other.label is None
    absent = explain(model, packed, 'neck', CamTarget('seg', 2))
    assert absent.heat is None and absent.label == 2


def _score(feats):
    return (feats[0] ** 2).sum() + (feats[1] ** 3).sum()


def test_levels_are_added(packed):
    """All levels: the sum of what each one gives, before it is scaled."""
    model = _model()
    with LayerTap(model.neck, 'neck') as tap, torch.enable_grad():
        feats = model.encode(torch.rand(1, 3, 64, 64))
        parts = [tap.cam(_score(feats), level, (64, 64)) for level in (0, 1)]
        both = tap.cam(_score(feats), None, (64, 64))
    assert len(tap.outputs) == 2 and parts[0].max() > 0 < parts[1].max()
    assert torch.allclose(both, parts[0] + parts[1])


HEADS = dict(
    RetinaHead=dict(
        anchor_generator=dict(
            type='AnchorGenerator', octave_base_scale=2,
            scales_per_octave=1, ratios=[1.0], strides=[8, 16])),
    ATSSHead=dict(
        anchor_generator=dict(
            type='AnchorGenerator', octave_base_scale=2,
            scales_per_octave=1, ratios=[1.0], strides=[8, 16])),
    FCOSHead=dict(strides=[8, 16], norm_cfg=None))


def _stock(kind):
    extra = {}
    if kind == 'ATSSHead':
        extra['norm_cfg'] = None
    return dict(
        type=kind, num_classes=2, in_channels=8, feat_channels=8,
        stacked_convs=1, **HEADS[kind], **extra,
        test_cfg=ConfigDict(
            nms_pre=100, score_thr=0.0, min_bbox_size=0, max_per_img=20,
            nms=dict(type='nms', iou_threshold=0.5)))


@pytest.mark.parametrize('kind', [None, *HEADS])
def test_boxes_of_our_head_and_of_stock_heads(packed, kind):
    model = _model(det=None if kind is None else _stock(kind))
    # scores far from each other, and positive gradients somewhere
    for weight in model.heads['det'].parameters():
        if weight.ndim == 4:
            torch.nn.init.normal_(weight, std=0.3)
    first = explain(model, packed, 'neck', CamTarget('det'))
    second = explain(model, packed, 'backbone', CamTarget('det', rank=2))
    assert first.heat.shape == (64, 64) and first.heat.max() == 1
    assert first.heat.min() >= 0
    assert first.score >= second.score > 0
    near = explain(model, packed, 'neck',
                   CamTarget('det', region=first.box.tolist(),
                             label=first.label))
    assert near.box == pytest.approx(first.box)
    np.testing.assert_allclose(near.heat, first.heat, atol=1e-6)


def test_nothing_found(packed):
    model = _model()
    absent = explain(model, packed, 'neck', CamTarget('det', rank=999))
    assert absent.heat is None and absent.box is None
    outside = explain(model, packed, 'neck', CamTarget(
        'det', region=(500, 500, 520, 520)))
    assert outside.heat is None


@pytest.mark.parametrize('task', ['det', 'seg'])
def test_the_model_stays_as_it_was(packed, task):
    model = _model(seg=LINEAR).train()
    model.backbone.stem.eval()
    model.neck.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    target = CamTarget(task, background=None)
    assert explain(model, packed, 'neck', target).heat is not None
    with pytest.raises(ConfigError):
        explain(model, packed, 'neck', target, level=7)
    assert all(torch.equal(value, before[name])
               for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert modes == [module.training for module in model.modules()]
    assert not any(m._forward_hooks or m._backward_hooks
                   for m in model.modules())
    assert not model.neck.cem.fine[0].weight.requires_grad


def test_an_activation_in_place_does_not_spoil_the_layer(packed):
    """Batch norm's output, not what the ReLU after it makes of it."""
    model = _model()
    model.backbone.stem[2] = torch.nn.ReLU(inplace=True)
    with LayerTap(model.backbone.stem[1], 'stem') as tap:
        _feats(model, packed)
    assert tap.outputs[0].min() < 0


def test_messages(packed):
    model = _model()
    for path, words in (('neck.cme', "layer 'neck.cme': neck consists of cem"),
                        ('nek', 'it consists of .*backbone, neck.* Near it: '
                         'neck'),
                        ('', "no layer ''")):
        with pytest.raises(ConfigError, match=words):
            find_layer(model, path)
    with pytest.raises(ConfigError, match='2 levels, .*no level 2'):
        explain(model, packed, 'neck', CamTarget('det'), level=2)
    with pytest.raises(ConfigError, match="not depend on level 1 of 'neck'"):
        explain(_model(seg=LINEAR), packed, 'neck',
                CamTarget('seg', background=None), level=1)
    with pytest.raises(ConfigError, match="'heads.seg.* no feature maps"):
        explain(model, packed, 'heads.seg.conv_seg', CamTarget('det'))
    with pytest.raises(ConfigError, match="no head for 'depth'"):
        explain(model, packed, 'neck', CamTarget('depth'))


@pytest.mark.parametrize('kind, channels', [
    ('depth', 1), ('normals', 3), ('saliency', 1), ('classes', 2)])
def test_a_head_of_any_kind(packed, kind, channels):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    cfg = toy_model(('det', ))
    cfg['heads'] = dict(more=dict(
        kind=kind, type='mmmultas.DenseHead' if kind != 'classes' else
        'mmmultas.PanopticFPNSegHead', in_channels=8, channels=8,
        num_levels=2, num_refine_convs=0, **(
            dict(num_classes=2) if kind == 'classes' else {})))
    model = MODELS.build(cfg).eval()
    assert model.heads['more'].conv_seg.out_channels == channels
    torch.nn.init.normal_(model.heads['more'].conv_seg.weight)
    found = explain(model, packed, 'neck',
                    CamTarget('more', region=(8, 8, 40, 40),
                              label=1 if kind == 'classes' else None))
    with torch.no_grad():
        raw = model.raw_outputs(_feats(model, packed))['more']
    raw = torch.nn.functional.interpolate(
        raw, size=(64, 64), mode='bilinear')[0]
    values = raw[1] if kind == 'classes' else raw.norm(dim=0) if (
        kind == 'normals') else raw[0]
    assert found.score == pytest.approx(
        float(values[8:41, 8:41].mean()), rel=1e-4)
    assert found.heat.shape == (64, 64) and found.pixels.sum() == 33 * 33
    whole = explain(model, packed, 'neck', CamTarget('more'))
    if kind != 'classes':
        says = values > (0 if kind == 'saliency' else -torch.inf)
        assert whole.pixels.sum() == says.sum()
    with pytest.raises(ConfigError, match="no head for 'det'.*'more'"):
        explain(model, packed, 'neck', CamTarget('det'))
