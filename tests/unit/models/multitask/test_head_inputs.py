import pytest
import torch
from mmengine.registry import init_default_scope
from torch import nn

from mmmultas.models.multitask.head_inputs import (HeadInput, graded,
                                                   levels_of, ordered,
                                                   parse_inputs)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import ConfigError


def test_the_neck_is_read_where_nothing_is_said():
    assert parse_inputs('det') == (HeadInput('neck', 'model.heads.det'), )


def test_names_and_factors():
    neck, level, tap, head = parse_inputs(
        'det', ['neck', 'neck.1', 'seg.decoder', 'seg'],
        {'seg.decoder': 0, 'neck.1': .5})
    assert (neck.level, neck.head, neck.grad) == (None, '', 1)
    assert (level.level, level.grad) == (1, .5)
    assert (tap.head, tap.path, tap.grad) == ('seg', 'decoder', 0)
    assert (head.head, head.path) == ('seg', '')
    assert [x.grad for x in parse_inputs('det', None, .25)] == [.25]


@pytest.mark.parametrize('inputs, grad, message', [
    ((3, ), None, r'`model.heads.det.inputs` wants names .* got 3'),
    ('neck.x', None, "'neck.x': levels of the neck are numbers"),
    ('neck', {'seg.a': 1}, "feature_grad` names 'seg.a', but"),
    ('neck', 2, r'factor from 0 .* got 2'),
    ('neck', True, 'got True'),
])
def test_what_is_no_input(inputs, grad, message):
    with pytest.raises(ConfigError, match=message):
        parse_inputs('det', inputs, grad)


def test_order_and_circles():
    def reads(*names):
        return parse_inputs('x', names)

    inputs = dict(det=reads('seg.decoder', 'depth.a'), seg=reads('depth.b'),
                  depth=reads('neck'), edge=reads('neck'))
    assert ordered(inputs) == ('depth', 'edge', 'seg', 'det')
    inputs['depth'] = reads('det')
    with pytest.raises(ConfigError, match='circle .*(det|seg|depth) ←'):
        ordered(inputs)


def test_gradients_are_scaled_and_values_are_not():
    for factor in (0, .25, 1):
        x = torch.randn(1, 2, 3, 3, requires_grad=True)
        y, = graded((x, ), factor)
        assert torch.equal(x, y) and y.requires_grad == (factor > 0)
        if factor:
            y.sum().backward()
            assert torch.equal(x.grad, torch.full_like(x, factor))


def test_levels():
    maps = [torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 2, 2)]
    neck, second, third = parse_inputs('det', ('neck', 'neck.1', 'neck.2'))
    assert len(levels_of(neck, maps)) == 2
    assert levels_of(second, maps) == (maps[1], )
    assert levels_of(neck, maps[0]) == (maps[0], )
    with pytest.raises(ConfigError, match=r"'neck.2', but .* 2 levels .0 to"):
        levels_of(third, maps)
    for strange in (torch.zeros(3), [maps], 'no'):
        with pytest.raises(ConfigError, match='does not put out feature'):
            levels_of(neck, strange)


class Inseparable(nn.Module):
    """A head that has a loss and nothing to read."""

    def loss(self, feats, samples):
        return {}


@pytest.mark.parametrize('inputs, message', [
    ('sex.decoder', "'sex.decoder', but the heads are det, seg"),
    ('seg.decode', r'did you mean seg.decoder\?'),
    ('seg.xyz', 'it offers seg.decoder'),
    ('det', 'circle'),
])
def test_heads_that_cannot_be_read(inputs, message):
    init_default_scope('mmdet')
    cfg = toy_model()
    cfg['heads']['det']['inputs'] = inputs
    with pytest.raises(ConfigError, match=message):
        MODELS.build(cfg)


def test_a_head_of_one_step_cannot_be_read():
    init_default_scope('mmdet')
    cfg = toy_model()
    cfg['heads']['seg'] = dict(
        type='DAHead', in_channels=8, in_index=1, channels=8, pam_channels=4,
        num_classes=3)
    MODELS.build(cfg)
    cfg['heads']['det']['inputs'] = ('neck', 'seg')
    with pytest.raises(ConfigError, match='DAHead finds its loss .* own'):
        MODELS.build(cfg)
