import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmmultas.engine.schedulers import (PartStepLR, PolyRestartLR,
                                        WarmupCosineLR, poly_restart,
                                        warmup_cosine)
from mmmultas.engine.streams import EpochAlternation
from mmmultas.utils.errors import ConfigError


def _optim(lr=1.0):
    model = nn.Linear(1, 1)
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=lr))


def _curve(scheduler, optim, steps):
    values = []
    for _ in range(steps):
        values.append(optim.param_groups[0]['lr'])
        scheduler.step()
    return values


def test_closed_form():
    assert warmup_cosine(0, 100, 10, .1, .2) == .1
    assert warmup_cosine(5, 100, 10, .1, .2) == pytest.approx(.55)
    assert warmup_cosine(10, 100, 10, .1, .2) == 1
    assert warmup_cosine(55, 100, 10, .1, .2) == pytest.approx(.6)
    assert warmup_cosine(100, 100, 10, .1, .2) == pytest.approx(.2)


def test_optimizer_follows_it():
    optim = _optim(0.5)
    scheduler = WarmupCosineLR(optim, warmup=4, end=20)
    expected = [.5 * warmup_cosine(i, 20, 4, .1, .1) for i in range(20)]
    assert _curve(scheduler, optim, 20) == pytest.approx(expected)


def test_a_short_run_warms_up_over_a_tenth():
    optim = _optim()
    values = _curve(WarmupCosineLR(optim, warmup=500, end=50), optim, 50)
    assert max(values) == 1 and values.index(1) == 5


def test_poly_begins_anew():
    optim = _optim(0.5)
    values = _curve(PolyRestartLR(optim, period=4, end=10), optim, 10)
    assert values == pytest.approx(
        [.5 * poly_restart(i % 4, 4, .9) for i in range(10)])
    assert values[0] == values[4] == values[8] == .5
    assert values[3] == pytest.approx(.5 * .25**.9)
    with pytest.raises(ConfigError, match='number of updates'):
        PolyRestartLR(_optim(), period=0, end=10)


def test_epoch_alternation_gives_each_stream_a_schedule():
    schedule = EpochAlternation(dict(det=3, seg=2))
    optim = _optim()
    scheduler = WarmupCosineLR(optim, warmup=2, end=20)
    scheduler.bind(schedule)
    curve = _curve(scheduler, optim, 20)
    det = [v for i, v in enumerate(curve) if schedule.streams_at(i) ==
           ('det', )]
    seg = [v for i, v in enumerate(curve) if schedule.streams_at(i) ==
           ('seg', )]
    assert det == pytest.approx(
        [warmup_cosine(i, 12, 2, .1, .1) for i in range(12)])
    assert seg == pytest.approx(
        [warmup_cosine(i, 8, 2, .1, .1) for i in range(8)])


def test_resume_stands_where_it_stood():
    optim, other = _optim(), _optim()
    scheduler = WarmupCosineLR(optim, warmup=4, end=20)
    whole = _curve(scheduler, optim, 20)
    scheduler = WarmupCosineLR(other, warmup=4, end=20)
    _curve(scheduler, other, 7)
    state = scheduler.state_dict()
    again = _optim()
    resumed = WarmupCosineLR(again, warmup=4, end=20)
    resumed.load_state_dict(state)
    assert _curve(resumed, again, 13) == pytest.approx(whole[7:])


def test_counts_updates_only():
    with pytest.raises(ConfigError, match='by_epoch=False'):
        WarmupCosineLR(_optim(), end=20, by_epoch=True)


def _parts(**mult):
    model = nn.ModuleDict(dict(net=nn.Linear(1, 1), film=nn.Linear(1, 1)))
    groups = [dict(params=list(model[name].parameters()), lr=lr)
              for name, lr in mult.items()]
    return model, OptimWrapper(torch.optim.Adam(groups))


def test_parts_have_steps_of_their_own():
    model, optim = _parts(net=1e-4, film=1e-3)
    schedules = [PartStepLR(optim, 3, parts='film'),
                 PartStepLR(optim, 4, but=('film', ))]
    rates = []
    for schedule in schedules:
        schedule.bind_model(model)
    for _ in range(9):
        rates.append([group['lr'] for group in optim.param_groups][:2])
        for schedule in schedules:
            schedule.step()
    assert [a for a, _ in rates] == pytest.approx(
        [1e-4] * 4 + [5e-5] * 4 + [2.5e-5])
    assert [b for _, b in rates] == pytest.approx(
        [1e-3] * 3 + [5e-4] * 3 + [2.5e-4] * 3)


def test_all_parts_step_together_by_default():
    model, optim = _parts(net=1., film=2.)
    schedule = PartStepLR(optim, 1, gamma=.1)
    schedule.bind_model(model)
    schedule.step()
    assert [g['lr'] for g in optim.param_groups][:2] == pytest.approx([.1, .2])
    other = PartStepLR(optim, 1)
    other.load_state_dict(schedule.state_dict())
    assert other.last_step == 1 and other.gamma == .1


def test_parts_that_are_none():
    model, optim = _parts(net=1., film=1.)
    with pytest.raises(ConfigError, match="names 'flim'"):
        PartStepLR(optim, 1, parts='flim').bind_model(model)
    joint = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.))
    with pytest.raises(ConfigError, match='paramwise_cfg'):
        PartStepLR(joint, 1, parts='film').bind_model(model)
