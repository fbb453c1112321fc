import pytest
import torch
from torch import nn

from mmmultas.models.multitask.taps import by_stream, output_tap
from mmmultas.utils.errors import ConfigError


class Head(nn.Module):

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 1)

    def forward(self, levels):
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


def test_every_stream_gets_its_part():
    sizes = dict(a=2, b=1)
    joined = by_stream(dict(neck=[torch.arange(3)]), sizes)
    apart = by_stream(dict(neck=[torch.arange(2), torch.tensor([2])]), sizes)
    for found in (joined, apart):
        assert found['a']['neck'].tolist() == [0, 1]
        assert found['b']['neck'].tolist() == [2]
    with pytest.raises(ConfigError, match="'neck' is recorded.*ran 3 times"):
        by_stream(dict(neck=[0, 1, 2]), sizes)
