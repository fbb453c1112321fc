import pytest
import torch

from mmmultas.models.balancers import DWA, STCH, Run, Uncertainty


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
