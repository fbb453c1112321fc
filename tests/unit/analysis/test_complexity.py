import pytest
from mmengine.registry import DefaultScope

import mmmultas.testing  # noqa: F401
from mmmultas.analysis import complexity_table, model_complexity
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model


@pytest.fixture
def model():
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(toy_model())


def test_parts_add_up_to_the_model(model):
    parts = model_complexity(model, (64, 64))
    assert list(parts) == ['backbone', 'neck', 'det', 'seg']
    assert sum(learned for learned, _ in parts.values()) == sum(
        p.numel() for p in model.parameters())
    # 8x8 convolution of stride 8 from 3 to 8 channels, 2x2 of stride 2
    stem = 2 * (8 * 8) * 8 * (3 * 8 * 8)
    down = 2 * (4 * 4) * 8 * (8 * 2 * 2)
    assert parts['backbone'][1] == stem + down
    assert all(flops > 0 for _, flops in parts.values())


def test_operations_grow_with_the_image_and_parameters_do_not(model):
    small = model_complexity(model, (64, 64))['backbone']
    large = model_complexity(model, (128, 64))['backbone']
    assert large == (small[0], 2 * small[1])


def test_frozen_parameters_are_not_trainable(model):
    model.backbone.requires_grad_(False)
    assert model_complexity(model, (64, 64))['backbone'][0] == 0


def test_model_without_a_neck(model):
    model.neck, neck = None, model.neck.eval()
    backbone = model.backbone
    model.backbone = type(backbone)()
    model.backbone.forward = lambda x: neck(backbone(x))
    assert list(model_complexity(model, (64, 64))) == [
        'backbone', 'det', 'seg']


def test_table():
    lines = complexity_table({'a': (1200, 4 * 10**9),
                              'b': (34, 10**9)}).splitlines()
    assert lines[2].split() == ['a', '|', '1,200', '|', '2.000', '|',
                                '4.000']
    assert lines[-1].split() == ['total', '|', '1,234', '|', '2.500', '|',
                                 '5.000']
