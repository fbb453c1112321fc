import pytest
import torch

from mmmultas.models.companions.rates import FillRates
from mmmultas.utils.errors import ConfigError

CPU = torch.device('cpu')


def _masks():
    mask = torch.zeros(40, 40, dtype=torch.long)
    mask[2:12, 2:12] = 1
    mask[20:30, 20:30] = torch.tril(torch.ones(10, 10)).long() * 2
    return [(mask, [1, 2])]


def test_rates_are_learnt():
    rates = FillRates(3, None, 'k')
    assert rates.looks(0) and not rates.looks(200)
    assert not rates.known
    for _ in range(100):
        rates.learn(_masks(), CPU)
    assert rates.known
    mean = (1 + .55) / 2
    torch.testing.assert_close(rates.values(), torch.tensor(
        [mean, (100 + 10 * mean) / 110, (55 + 10 * mean) / 110]))
    other = FillRates(3, None, 'k')
    other.load({k: v.clone() for k, v in rates.state().items()})
    assert torch.equal(other.values(), rates.values())
    with pytest.raises(ConfigError, match='has 3 classes and the network 4'):
        FillRates(4, None, 'k').load(rates.state())


def test_given_rates():
    assert FillRates(3, .6, 'k').values().tolist() == [
        pytest.approx(.6)] * 3
    rates = FillRates(2, [.5, .25], 'k')
    assert rates.known and not rates.learns
    rates.learn([(torch.ones(8, 8, dtype=torch.long), [1])], CPU)
    assert rates.values().tolist() == [.5, .25]
    for given, message in (([.5], 'each of the 2 pixel'), (1.5, '1 or less')):
        with pytest.raises(ConfigError, match=message):
            FillRates(2, given, 'k')




def test_masks_that_are_no_outlines_are_said(monkeypatch):
    said = []
    monkeypatch.setattr('mmmultas.models.companions.rates.print_log',
                        lambda text, *_, **__: said.append(text))
    full = torch.ones(8, 8, dtype=torch.long)
    thin = torch.eye(20).long()
    for masks, message in ((_masks(), None), ([(full, [1])], 'fill 100%'),
                           ([(thin, [1])], 'fill 5% of their boxes'),
                           ([], 'no mask of the first 200')):
        rates = FillRates(3, None, 'k.rates')
        rates.learn(masks, CPU)
        rates.judge(198, True)
        assert not said
        rates.judge(199, True)
        rates.judge(200, True)
        assert len(said) == (message is not None)
        assert message is None or message in said.pop()
    # rates that nobody asks for
    for rates, needed in ((FillRates(3, None, 'k'), False),
                          (FillRates(3, .5, 'k'), True)):
        rates.judge(199, needed)
    assert not said
    # given rates, boxes that are not tight
    rates = FillRates(3, .5, 'k.rates')
    rates.learn([(full, [1])], CPU)
    rates.judge(199, False)
    assert 'fill 100%' in said.pop()
