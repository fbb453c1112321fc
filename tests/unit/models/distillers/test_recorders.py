import pytest
from torch import nn

from mmmultas.models.distillers.recorders import recorder_sources
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of


@pytest.fixture
def net():
    head = nn.ModuleDict(dict(conv=nn.Conv2d(2, 3, 1)))
    return nn.ModuleDict(dict(head=head, neck=nn.Identity()))


def test_sources(net):
    cfgs = dict(
        a=dict(type='ModuleOutputs', source='head.conv'),
        b=dict(source='neck'))
    assert recorder_sources(cfgs, net, 'key') == dict(a='head.conv', b='neck')


@pytest.mark.parametrize('cfg, message', [
    (dict(type='FunctionOutputs', source='neck'), '`key.a` must be dict'),
    (dict(type='ModuleOutputs'), '`key.a` must be dict'),
    (dict(source='neck', data_idx=1), '`key.a` must be dict'),
    ('neck', "`key.a` must be dict.type='ModuleOutputs', source='neck'"),
    (['neck'], '`key.a` must be dict'),
    (None, '`key.a` must be dict'),
    (dict(source=3), '`key.a` must be dict'),
    (dict(source=['neck']), '`key.a` must be dict'),
    (dict(source='nek'), "`key.a.source` names 'nek'.*did you mean 'neck'"),
    (dict(source='xyz'), 'does not have\\.$'),
])
def test_errors(net, cfg, message):
    with pytest.raises(ConfigError, match=message):
        recorder_sources(dict(a=cfg), net, 'key')


@pytest.mark.parametrize('value, shown', [
    (None, 'None'), ('neck', "'neck'"), (['neck'], r"\['neck'\]"),
    (3, '3'), ({1: 'neck'}, "{1: 'neck'}"), ('x' * 999, r"'x+\.\.\.x+'"),
])
def test_what_is_no_mapping(net, value, shown):
    message = f'^`key` must be a mapping of names .a dict., got {shown}\\.$'
    for function in (lambda: mapping_of('key', value),
                     lambda: recorder_sources(value, net, 'key')):
        with pytest.raises(ConfigError, match=message):
            function()
