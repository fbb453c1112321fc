import pytest
import torch

from mmmultas.models.companions.thresholds import Threshold
from mmmultas.utils.errors import ConfigError

SCORES = torch.tensor([.9, .2, .8, .6])
LABELS = torch.tensor([0, 1, 1, 0])


def test_a_number():
    one = Threshold(.7, 2, .5, 'k')
    assert one.keeps(SCORES, LABELS).tolist() == [True, False, True, False]
    one.learn(one.sample(SCORES, LABELS))
    assert one.limits.tolist() == [pytest.approx(.7)] * 2


def test_a_share_of_the_best():
    one = Threshold(dict(top=.5), 2, .5, 'k')
    assert one.keeps(SCORES, LABELS).tolist() == [True, False, True, False]
    pixels = SCORES.reshape(2, 2)
    assert one.keeps(pixels, LABELS.reshape(2, 2)).tolist() == [
        [True, False], [True, False]]
    assert not Threshold(dict(top=.1), 2, .5, 'k').keeps(
        SCORES[:0], LABELS[:0]).any()


def test_a_mixture_per_class():
    one = Threshold('mixture', 3, .5, 'k')
    torch.manual_seed(0)
    for _ in range(8):
        scores = torch.cat([.1 + .02 * torch.rand(20), .8 + .1 * torch.rand(
            10), .3 + .02 * torch.rand(20), .5 + .02 * torch.rand(10)])
        labels = torch.tensor([0] * 30 + [1] * 30)
        one.learn(one.sample(scores, labels))
    limits = one.limits.tolist()
    assert .7 < limits[0] < .92 and .45 < limits[1] < .53
    assert limits[2] == .5  # nothing was seen of it
    other = Threshold('mixture', 3, .5, 'k')
    other.load({k: v.clone() for k, v in one.state().items()})
    for each in (one, other):
        each.learn(each.sample(scores * .9, labels))
    assert torch.equal(one.limits, other.limits)


@pytest.mark.parametrize('rule, message', [
    ('best', "'mixture' or dict"), (dict(worst=.1), "'mixture' or dict"),
    (1.5, '1 or less'), (dict(top=2), '1 or less')])
def test_other_rules(rule, message):
    with pytest.raises(ConfigError, match=message):
        Threshold(rule, 2, .5, 'k')
