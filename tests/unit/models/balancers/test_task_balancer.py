import pytest
import torch

from mmmultas.models import balancers
from mmmultas.utils.errors import ConfigError

TASKS = ('det', 'seg', 'depth')
RULES = [rule for rule in map(balancers.__dict__.get, balancers.__all__)
         if issubclass(rule, balancers.TaskBalancer)
         and not rule.__name__.endswith('Balancer')]
STATES = [rule for rule in RULES
          if not issubclass(rule, balancers.UpdateBalancer)]


def built(rule, **kwargs):
    balancer = rule(**kwargs)
    balancer.meet(TASKS)
    balancer.meet_run(balancers.Run(2, 9))
    return balancer


def losses_of(**values):
    return {task: torch.tensor(value) for task, value in values.items()}


def gram(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    grads = torch.randn(count, 9, generator=generator).double()
    return grads @ grads.T


def asked(balancer, losses, seed=0):
    found = balancer.weights(
        losses, gram(len(losses), seed) if balancer.needs_gram else None)
    return dict(found), dict(balancer.shared() or found)


def kept(balancer, losses):
    """The update counts; its step halves the second loss."""
    balancer.commit()
    if balancer.needs_after:
        after = {t: v / 2 if t == 'seg' else v for t, v in losses.items()}
        balancer.after_step([(losses, after)])


ALL = dict(det=2., seg=.5, depth=1.)


@pytest.mark.parametrize('rule', RULES)
def test_all_tasks_get_a_number_and_states_wait_for_commit(rule):
    balancer = built(rule)
    before = {k: v.clone() for k, v in balancer.state_dict().items()}
    for update in range(9):
        balancer.set_update(update)
        heads, shared = asked(balancer, losses_of(**ALL), update)
        assert set(heads) == set(shared) == set(TASKS)
        if balancer.spares_heads:
            assert set(heads.values()) == {1.0}
        if update == 0:  # a loss that is no number: nothing is kept
            now = balancer.state_dict()
            assert all(torch.equal(v, now[k]) for k, v in before.items())
        kept(balancer, losses_of(**ALL))
    moved = [k for k, v in before.items()
             if not torch.equal(v, balancer.state_dict()[k])]
    assert bool(moved) == bool(before)


@pytest.mark.parametrize('rule', RULES)
def test_one_task_alone(rule):
    """A rule for one update has nothing to weigh; a zero is no loss."""
    balancer = built(rule)
    losses = losses_of(det=2., seg=0.)
    asks = balancer.wants_gram(losses)
    heads, shared = asked(balancer, losses)
    if issubclass(rule, balancers.UpdateBalancer):
        assert heads == shared == {} and not asks
    else:
        assert set(shared) == {'det'} and asks == rule.needs_gram


@pytest.mark.parametrize('rule', RULES)
def test_losses_and_gradients_that_are_no_numbers(rule):
    balancer = built(rule)
    assert asked(balancer, losses_of(det=float('nan'), seg=1.))[0] == {}
    if balancer.needs_gram:
        wrong = torch.full((2, 2), float('inf')).double()
        assert balancer.weights(losses_of(det=1., seg=1.), wrong) == {}
    balancer.commit()
    assert all(torch.isfinite(v).all()
               for v in balancer.state_dict().values())


@pytest.mark.parametrize('rule', STATES)
def test_the_state_of_an_absent_task_stays(rule):
    balancer = built(rule)
    balancer.set_update(0)
    asked(balancer, losses_of(**ALL))
    kept(balancer, losses_of(**ALL))
    before = {k: v.clone() for k, v in balancer.state_dict().items()}
    balancer.set_update(1)
    asked(balancer, losses_of(det=3., seg=.7))
    kept(balancer, losses_of(det=3., seg=.7))
    for name, value in balancer.state_dict().items():
        assert value[2] == before[name][2], name


@pytest.mark.parametrize('rule', RULES)
def test_a_sum_that_keeps_the_learning_rate(rule):
    balancer = built(rule, scale='sum')
    _, shared = asked(balancer, losses_of(**ALL))
    assert sum(shared.values()) == pytest.approx(3)


@pytest.mark.parametrize('rule', STATES)
def test_state_comes_back_and_belongs_to_a_rule_and_its_tasks(rule):
    balancer, other = built(rule), built(rule)
    for update in range(5):
        balancer.set_update(update)
        asked(balancer, losses_of(**ALL), update)
        kept(balancer, losses_of(**ALL))
    other.load_extra_state(balancer.extra_state())
    other.set_update(5)
    balancer.set_update(5)
    assert asked(balancer, losses_of(**ALL)) == asked(
        other, losses_of(**ALL))
    stranger = rule()
    stranger.meet(('det', 'seg', 'far'))
    with pytest.raises(ConfigError, match='for det, seg, far'):
        stranger.load_extra_state(balancer.extra_state())
    last = built(balancers.DWA if rule is not balancers.DWA
                 else balancers.Uncertainty)
    with pytest.raises(ConfigError, match='The checkpoint holds a'):
        last.load_extra_state(balancer.extra_state())


@pytest.mark.parametrize('rule', [balancers.RLW, balancers.PCGrad,
                                  balancers.GradVac])
def test_draws_follow_seed_and_update_alone(rule):
    def drawn(seed, update, run_seed=0):
        balancer = built(rule, seed=seed)
        balancer.meet_run(balancers.Run(2, 9, seed=run_seed))
        balancer.set_update(update)
        torch.manual_seed(update)  # the global generator is not asked
        return asked(balancer, losses_of(**ALL))[1]

    state = torch.random.get_rng_state()
    balancer = built(rule)
    asked(balancer, losses_of(**ALL))
    assert torch.equal(state, torch.random.get_rng_state())
    assert drawn(0, 3) == drawn(0, 3)
    if rule is balancers.RLW:
        assert len({str(drawn(*args)) for args in (
            (0, 3), (0, 4), (1, 3), (0, 3, 1))}) == 4


@pytest.mark.parametrize('rule, kwargs, message', [
    (balancers.DWA, dict(temperature=0), 'temperature` is a number above 0'),
    (balancers.MGDA, dict(norm='l1'), "'none', 'l2'"),
    (balancers.CAGrad, dict(rescale=2), 'rescale` is 0 or 1'),
    (balancers.EqualNorms, dict(decay=1), 'decay` is below 1'),
    (balancers.CAGrad, dict(c=1.5), 'c` is below 1'),
    (balancers.GradVac, dict(beta=2), 'beta` is below 1'),
    (balancers.MGDA, dict(module=()), 'module` names no part'),
    (balancers.STCH, dict(warmup=2.5), 'warmup` is a number of epochs'),
    (balancers.FAMO, dict(gamma=-1), 'gamma` is a number above 0'),
    (balancers.GLS, dict(scale='all'), "scale` is 'own' or 'sum'"),
    (balancers.GLS, dict(module='neck'), 'looks at no gradient'),
])
def test_arguments_that_make_no_sense(rule, kwargs, message):
    with pytest.raises(ConfigError, match=message):
        rule(**kwargs)


def test_a_single_task_and_epochs_of_one_stream():
    with pytest.raises(ConfigError, match='but det is all there is'):
        balancers.DWA().meet(('det', ))
    epochs = balancers.Run(2, 9, alternates=True)
    for rule in (balancers.GLS, balancers.GradNorm, balancers.EqualNorms,
                 balancers.FAMO, balancers.STCH):
        with pytest.raises(ConfigError, match="alternate='epoch'"):
            built(rule).meet_run(epochs)
    built(balancers.DWA).meet_run(epochs)


@pytest.mark.parametrize('rule, epochs', [
    (balancers.DWA, 2), (balancers.STCH, 4)])
def test_runs_that_end_before_weights_move(rule, epochs):
    built(rule).meet_run(balancers.Run(2, epochs + 1))
    with pytest.raises(ConfigError, match=f'max_epochs` is {epochs}'):
        built(rule).meet_run(balancers.Run(2, epochs))


def test_too_many_tasks_for_an_exact_solution():
    for rule in (balancers.MGDA, balancers.CAGrad):
        with pytest.raises(ConfigError, match='up to 8 tasks'):
            rule().meet([f'task{i}' for i in range(9)])


@pytest.mark.parametrize('rule', RULES)
def test_who_does_not_reach_the_shared_part_is_in_no_conflict(rule):
    balancer = built(rule)
    if not balancer.needs_gram:
        return
    products = gram(3)
    products[1] = products[:, 1] = 0
    heads = balancer.weights(losses_of(**ALL), products)
    assert 'seg' not in heads and 'seg' not in balancer.shared()
    pair = built(rule)
    rest = pair.weights(losses_of(det=2., depth=1.),
                        products[[0, 2]][:, [0, 2]])
    assert heads == rest


def test_cosines_of_what_was_measured_are_told():
    rule = built(balancers.CAGrad)
    asked(rule, losses_of(**ALL))
    products = gram(3)
    found = rule.found()
    assert {k for k in found if k not in TASKS} == {
        'det-seg.cosine', 'det-depth.cosine', 'seg-depth.cosine'}
    assert found['seg-depth.cosine'] == pytest.approx(float(
        products[1, 2] / (products[1, 1] * products[2, 2]).sqrt()))
    products[1] = products[:, 1] = 0  # no gradient: no angle
    rule.weights(losses_of(**ALL), products)
    assert set(rule.found()) == {'det', 'depth', 'det-depth.cosine'}
    assert rule.weights(losses_of(det=1.)) == rule.found() == {}


@pytest.mark.parametrize('factors', [(1., -1., 0.), (1., -2., 0.5)])
def test_factors_whose_sum_is_no_size_are_not_blown_up(factors):
    rule = built(balancers.RLW, scale='sum')
    rule.rule = lambda *_: torch.tensor(factors).double()
    _, shared = asked(rule, losses_of(**ALL))
    assert set(shared.values()) == {1.0}
    assert rule.found()['fallbacks'] == 1


def test_a_step_of_several_batches_moves_a_state_once():
    rule = built(balancers.Uncertainty)
    rule.meet_run(balancers.Run(2, 9, accumulate=2))
    seen = []
    for det in (1., 3., 5.):
        seen.append(asked(rule, losses_of(det=det, seg=1.))[0]['det'])
        rule.commit()
    whole = built(balancers.Uncertainty)
    asked(whole, losses_of(det=2., seg=1.))
    whole.commit()
    assert seen[0] == seen[1]
    assert seen[2] == pytest.approx(asked(whole, losses_of(det=1.))[0]['det'])


@pytest.mark.parametrize('rule, name', [
    (balancers.GradNorm, 'initial'), (balancers.EqualNorms, 'norms')])
def test_batches_that_lack_a_task_do_not_thin_its_state(rule, name):
    """The first batch of a step has all tasks, the second lacks depth."""
    states = []
    for batches in (2, 1):
        one = built(rule)
        one.meet_run(balancers.Run(4, 9, accumulate=batches))
        for losses in (ALL, dict(det=ALL['det'], seg=ALL['seg']))[:batches]:
            asked(one, losses_of(**losses))
            one.commit()
        states.append(getattr(one, name)[-1])
    assert states[0] == states[1] > 0


def test_an_epoch_begins_once_however_many_batches_a_step_has():
    rule = built(balancers.DWA)
    rule.meet_run(balancers.Run(2, 9, accumulate=2))
    for update, det in enumerate((8., 0., 2., 0., 1., 0.)):
        rule.set_update(update)
        asked(rule, losses_of(**(dict(det=det, seg=det) if det else {})))
        rule.commit()
    assert rule.last[0] == 2 and rule.before[0] == 8


@pytest.mark.parametrize('seed', [-1, 1.5, 'x', True])
@pytest.mark.parametrize('rule', [balancers.RLW, balancers.PCGrad,
                                  balancers.GradVac])
def test_a_seed_is_a_whole_number(rule, seed):
    with pytest.raises(ConfigError, match='model.balancer.seed'):
        rule(seed=seed)
