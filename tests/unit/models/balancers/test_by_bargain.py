import pytest
import torch

from mmmultas.models.balancers import NashMTL, Run
from mmmultas.utils.errors import ConfigError

ONES = dict(det=torch.ones(()), seg=torch.ones(()))


def test_updates_without_a_solution_are_counted():
    balancer = NashMTL()
    balancer.meet(('det', 'seg'))
    opposite = torch.tensor([[1., -1.], [-1., 1.]]).double()
    for count in (1., 2.):
        found = balancer.weights(ONES, opposite)
        assert found == dict(det=1, seg=1)
        assert balancer.found()['fallbacks'] == count


def gram(*ends):
    return torch.diag(torch.tensor(ends)).double()


def nash(**kwargs):
    rule = NashMTL(**kwargs)
    rule.meet(('det', 'seg', 'depth'))
    return rule


def told(rule, update, products, **losses):
    """Weights, and whether gradients were asked for."""
    losses = {t: torch.tensor(v) for t, v in losses.items()}
    rule.set_update(update)
    asks = rule.wants_gram(losses)
    found = dict(rule.weights(losses, products if asks else None))
    rule.commit()
    return found, asks


def test_nash_keeps_weights_between_solutions():
    rule = nash(every=3)
    both = dict(det=1., seg=1.)
    first, asks = told(rule, 0, gram(4., 1.), **both)
    assert asks and first == pytest.approx(dict(det=.5, seg=1.))
    assert told(rule, 1, gram(1., 1.), **both) == (first, False)
    # what was not there before is solved for at once, with the others
    found, asks = told(rule, 2, gram(1., 1., 4.), **both, depth=1.)
    assert asks and found == pytest.approx(dict(det=1., seg=1., depth=.5))
    assert told(rule, 3, gram(4., 4.), **both)[1]
    # one alone weighs 1 and asks for nothing, its weight stays
    assert told(rule, 4, None, det=1.) == ({}, False)
    assert rule.kept.tolist() == pytest.approx([.5, .5, .5])


def test_nash_keeps_its_weights_where_there_is_no_solution():
    rule = nash(every=2)
    told(rule, 0, gram(4., 1.), det=1., seg=1.)
    opposite = torch.tensor([[1., -1.], [-1., 1.]]).double()
    assert told(rule, 2, opposite, det=1., seg=1.)[0] == dict(det=1, seg=1)
    assert told(rule, 3, None, det=1., seg=1.)[0] == pytest.approx(
        dict(det=.5, seg=1.))


def test_who_does_not_reach_the_shared_part_is_known_too():
    rule = nash(every=2)
    told(rule, 0, gram(4., 1., 0.), det=1., seg=1., depth=1.)
    found, asks = told(rule, 1, None, det=1., seg=1., depth=1.)
    assert not asks and found == pytest.approx(dict(det=.5, seg=1., depth=1.))


def test_steps_of_several_batches_solve_for_each_of_them():
    rule = nash(every=2)
    rule.meet_run(Run(4, 9, accumulate=2))
    asked = [told(rule, k, gram(k + 1., 1.), det=1., seg=1.)[1]
             for k in range(6)]
    assert asked == [True, True, False, False, True, True]


def test_state_of_nash_is_there_where_it_is_needed():
    assert nash().extra_state() == {}
    rule, other = nash(every=3), nash(every=3)
    told(rule, 0, gram(4., 1.), det=1., seg=1.)
    other.load_extra_state(rule.extra_state())
    assert told(other, 1, None, det=1., seg=1.) == told(
        rule, 1, None, det=1., seg=1.)


@pytest.mark.parametrize('kwargs, key', [
    (dict(every=0), 'every` is a number of steps'),
    (dict(max_norm=0), 'max_norm` is a number above 0')])
def test_arguments_that_make_no_sense(kwargs, key):
    with pytest.raises(ConfigError, match=key):
        NashMTL(**kwargs)
