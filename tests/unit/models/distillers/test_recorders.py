import pytest
import torch
from torch import nn

from mmmultas.models.distillers.recorders import (mapped, output_tap,
                                                  recorder_sources,
                                                  remembered, take_rows)
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import mapping_of


class Head(nn.Module):

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1)
        self.calls = 0

    def forward(self, levels):
        self.calls += 1
        return [self.conv(level) for level in levels]


@pytest.fixture
def net():
    return nn.ModuleDict(dict(head=Head(), neck=nn.Identity()))


def test_outputs_are_kept_within_the_scope(net):
    levels = [torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)]
    with output_tap(net, ['head', 'head.conv']) as outputs:
        out = net['head'](levels)
        assert outputs['head'] == [out]
        assert [x.shape[-1] for x in outputs['head.conv']] == [4, 2]
    net['head'](levels)
    assert len(outputs['head']) == 1 and len(outputs['head.conv']) == 2


def test_nothing_stays_hooked_after_an_error(net):
    with pytest.raises(RuntimeError, match='here'), output_tap(
            net, ['neck']) as outputs:
        raise RuntimeError('here')
    net['neck'](torch.ones(1))
    assert outputs == dict(neck=[]) and not net['neck']._forward_hooks


def test_a_head_remembers_the_very_tensors(net):
    head = net['head']
    levels = [torch.ones(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)]
    known = head(levels)
    with remembered(head, [(levels, known)]):
        assert head(tuple(levels)) is known and head.calls == 1
        equal = [level.clone() for level in levels]
        torch.testing.assert_close(head(equal), known)
        assert head(levels[:1])[0].shape == known[0].shape
        assert head.calls == 3
    assert head(levels) is not known
    assert 'forward' not in vars(head)


def test_memory_ends_with_an_error(net):
    with pytest.raises(RuntimeError), remembered(net['head'], []):
        raise RuntimeError
    assert 'forward' not in vars(net['head'])


@pytest.mark.parametrize('rows', [[0, 1, 2, 3], [1, 2], [3], [2, 0], []])
def test_rows_of_nested_outputs(rows):
    x = torch.arange(8.).reshape(4, 2).requires_grad_()
    taken = take_rows(dict(a=(x, [x + 1]), n=3), rows, 4)
    assert torch.equal(taken['a'][0], x[rows])
    assert torch.equal(taken['a'][1][0], x[rows] + 1) and taken['n'] == 3
    take_rows(x, rows, 4).sum().backward()
    assert x.grad[:, 0].tolist() == [float(i in rows) for i in range(4)]


def test_all_rows_and_neighbours_are_no_copy():
    x = torch.zeros(4, 2)
    assert take_rows(x, range(4), 4) is x
    assert take_rows(x, [1, 2], 4).data_ptr() == x[1:].data_ptr()


def test_mapped_reaches_every_tensor():
    out = mapped(torch.neg, (torch.ones(1), dict(a=[torch.ones(1)], b=None)))
    assert out == [torch.tensor([-1.]), dict(a=[torch.tensor([-1.])], b=None)]


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
