import pytest
import torch

from mmmultas.models.necks import ContextFPN, ContextPAFPN
from mmmultas.utils.errors import ConfigError


def _stages(count=2):
    return torch.randn(count, 4, 8, 8), torch.randn(count, 6, 4, 4)


@pytest.mark.parametrize('kind', [ContextFPN, ContextPAFPN])
@pytest.mark.parametrize('levels', [1, 4])
def test_levels_halve(kind, levels):
    neck = kind([4, 6], 5, num_levels=levels)
    outs = neck(_stages())
    assert [x.shape for x in outs] == [(2, 5, 8 // 2**i, 8 // 2**i)
                                       for i in range(levels)]


def test_odd_sizes():
    neck = ContextFPN([4, 6], 5, num_levels=3)
    outs = neck((torch.randn(2, 4, 7, 9), torch.randn(2, 6, 4, 5)))
    assert [tuple(x.shape[-2:]) for x in outs] == [(7, 9), (4, 5), (2, 3)]


def test_context_reaches_every_place():
    """The global branch carries one far pixel to the whole map."""
    neck = ContextFPN([4, 6], 5, num_levels=1).eval()
    fine, coarse = _stages(1)
    before = neck.cem((fine, coarse))
    coarse[..., 3, 3] += 10
    assert (neck.cem((fine, coarse)) != before)[..., 0, 0].any()


def test_a_batch_of_one_names_the_key():
    neck = ContextFPN([4, 6], 5, num_levels=1)
    with pytest.raises(ConfigError, match='batch_size'):
        neck(_stages(1))
    neck.eval()(_stages(1))


def test_wrong_number_of_stages():
    with pytest.raises(ConfigError, match='in_channels'):
        ContextFPN([4], 5)
    with pytest.raises(ConfigError, match='out_indices'):
        ContextFPN([4, 6], 5)(_stages()[:1])
