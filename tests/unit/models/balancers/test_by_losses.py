import pytest
import torch

from mmmultas.models.balancers import DWA, FAMO, STCH, Run, Uncertainty


def told(balancer, update, **losses):
    balancer.set_update(update)
    found = balancer.weights({t: torch.tensor(v) for t, v in losses.items()})
    balancer.commit()
    return dict(found)


def built(balancer):
    balancer.meet(('det', 'seg', 'depth'))
    balancer.meet_run(Run(2, 9))
    return balancer


def test_weights_of_dwa_wait_for_two_epochs():
    dwa = built(DWA())
    for update, (det, seg) in enumerate(
            [(4., 1.), (2., 1.), (2., 1.), (1., 1.), (9., 9.)]):
        found = told(dwa, update, det=det, seg=seg, depth=1.)
        if update < 4:
            assert set(found.values()) == {1.0}
    # means 3, 1, 1 and 1.5, 1, 1: ratios a half, 1, 1
    want = 3 * torch.softmax(torch.tensor([.25, .5, .5]), 0)
    assert list(found.values()) == pytest.approx(want.tolist())


def test_uncertainty_settles_where_the_weighted_loss_is_a_half():
    rule = built(Uncertainty(lr=.1))
    for update in range(300):
        found = told(rule, update, det=4., seg=.25)
    assert found['det'] * 4 == pytest.approx(.5, abs=1e-3)
    assert found['seg'] * .25 == pytest.approx(.5, abs=1e-3)
    assert rule.log_var[2] == -.5  # never present


def test_stch_measures_against_the_end_of_its_warm_up():
    rule = built(STCH(warmup=1))
    assert told(rule, 0, det=4., seg=2.) == dict(det=.25, seg=.5)
    told(rule, 1, det=2., seg=2.)
    found = told(rule, 2, det=3., seg=1.)  # 1 and a half of the start
    assert found['det'] * 3 / found['seg'] == pytest.approx(2)


def pair(before, after):
    return tuple({t: torch.tensor(v) for t, v in losses.items()}
                 for losses in (before, after))


def test_famo_turns_to_the_task_whose_loss_falls_least():
    rule = built(FAMO(lr=.1))
    first = told(rule, 0, det=2., seg=.5)
    assert first['det'] * 2 == pytest.approx(first['seg'] * .5)
    assert sum(first.values()) == pytest.approx(1)
    for _ in range(5):
        rule.after_step([pair(dict(det=2., seg=.5), dict(det=1., seg=.49))])
    found = told(rule, 5, det=2., seg=.5)
    assert found['det'] * 2 < found['seg'] * .5
    assert rule.logits[2] == 0 and rule.steps.tolist() == [5, 5, 0]


def test_famo_compares_tasks_that_both_readings_have():
    rule = built(FAMO())
    for before, after in (
            (dict(det=2.), dict(det=1.)), ({}, {}),
            (dict(det=2., seg=.5), dict(det=1.)),
            (dict(det=2., seg=0.), dict(det=1., seg=.5)),
            (dict(det=2., seg=1.), dict(det=1., seg=float('nan')))):
        rule.after_step([pair(before, after)])
    assert not any(value.any() for value in rule.state_dict().values())
    # of three, two: as if the third were not there
    rule.after_step([pair(dict(det=2., seg=.5, depth=1.),
                          dict(det=1., seg=.4, depth=float('inf')))])
    two = FAMO()
    two.meet(('det', 'seg'))
    two.after_step([pair(dict(det=2., seg=.5), dict(det=1., seg=.4))])
    assert torch.equal(rule.logits[:2], two.logits) and rule.logits[2] == 0


def test_famo_steps_once_for_several_batches():
    one, other = built(FAMO(gamma=0)), built(FAMO(gamma=0))
    readings = [pair(dict(det=2., seg=.5), dict(det=d, seg=s))
                for d, s in ((1.9, .4), (1., .5))]
    one.after_step(readings)
    assert one.steps.tolist() == [1, 1, 0]
    for reading in readings:
        other.after_step([reading])
    assert other.steps.tolist() == [2, 2, 0]
    # the mean of slopes: .1 · mean is Adam's first mean
    slopes = torch.stack([
        torch.tensor([2 / d, .5 / s]).double().log()
        for d, s in ((1.9, .4), (1., .5))])
    slopes = .5 * (slopes - slopes.mean(1, keepdim=True))
    torch.testing.assert_close(one.mean[:2], .1 * slopes.mean(0), atol=1e-6,
                               rtol=1e-5)
