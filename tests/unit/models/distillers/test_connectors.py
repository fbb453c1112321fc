import pytest
import torch

from mmmultas.models import IdentityConnector, LevelProjection
from mmmultas.utils.errors import ConfigError


def _levels(*channels):
    return [torch.randn(2, c, 4 >> i, 4 >> i) for i, c in enumerate(channels)]


def test_each_level_has_a_projection_of_its_own():
    connector, levels = LevelProjection(3, 5, 2), _levels(3, 3)
    out = connector(levels)
    for x, y, conv in zip(levels, out, connector.convs):
        want = torch.einsum('oc,nchw->nohw', conv.weight[..., 0, 0], x)
        torch.testing.assert_close(y, want + conv.bias.view(-1, 1, 1))
    assert not torch.equal(connector.convs[0].weight,
                           connector.convs[1].weight)
    sum(y.sum() for y in out).backward()
    assert all(p.grad is not None for p in connector.parameters())


def test_identity_takes_levels_and_tensors():
    levels = _levels(3, 3)
    assert IdentityConnector()(levels) is levels
    assert IdentityConnector()(levels[0]) is levels[0]


@pytest.mark.parametrize('levels, message', [
    (_levels(3), 'for 2 levels of 3 channels gets 1 levels of 3 channels'),
    (_levels(4, 4), 'gets 2 levels of 4, 4 channels'),
    (_levels(3, 4), 'gets 2 levels of 3, 4 channels: mend `num_levels`'),
    (_levels(3)[0], 'gets one tensor'),
])
def test_levels_that_do_not_fit(levels, message):
    with pytest.raises(ConfigError, match=message):
        LevelProjection(3, 5, 2)(levels)
