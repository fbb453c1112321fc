import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.finite import NonFiniteLossError


def _models(**kwargs):
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmdet'):
        joint = MODELS.build(toy_model(**kwargs))
        joint.init_weights()
        apart = copy.deepcopy(joint)
    apart.sequential = True
    return joint.train(), apart.train()


def _optim(model, accumulate=1):
    return OptimWrapper(
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        accumulative_counts=accumulate)


def _batches(seed=0):
    return dict(
        det=toy_batch(('det', ), 3, seed=seed),
        seg=toy_batch(('seg', ), 2, seed=seed + 1))


@pytest.mark.parametrize('accumulate', [1, 2])
def test_the_same_updates(accumulate):
    joint, apart = _models(task_weights=dict(det=1.0, seg=0.5))
    optims = [_optim(m, accumulate) for m in (joint, apart)]
    start = copy.deepcopy(joint.state_dict())
    for step in range(4):
        logs = [
            model.train_step(_batches(step), optim)
            for model, optim in zip((joint, apart), optims)
        ]
        assert set(logs[0]) == set(logs[1])
        for name, value in logs[0].items():
            torch.testing.assert_close(value, logs[1][name])
    after = joint.state_dict()
    assert any(not torch.equal(start[k], after[k]) for k in start)
    for name, value in apart.state_dict().items():
        torch.testing.assert_close(value, after[name], msg=name)


@pytest.mark.parametrize('rule', ['Uncertainty', 'DWA'])
def test_rules_that_know_each_task_by_its_own_past(rule):
    joint, apart = _models(balancer=dict(type=f'mmmultas.{rule}'))
    optims = [_optim(m) for m in (joint, apart)]
    for model in (joint, apart):
        model.meet_run(1, 9, False, 1)
    for step in range(4):
        logs = []
        for model, optim in zip((joint, apart), optims):
            model.balancer.set_update(step)
            logs.append(model.train_step(_batches(step), optim))
        for name, value in logs[0].items():
            torch.testing.assert_close(value, logs[1][name])
    assert logs[0]['balance/det'] != logs[0]['balance/seg']
    state = joint.balancer.state_dict()
    for name, value in apart.balancer.state_dict().items():
        torch.testing.assert_close(value, state[name])
    with pytest.raises(ConfigError, match='each of its streams is one'):
        apart.meet_run(1, 9, False, 2)


def test_a_dropped_update_leaves_a_balancer_alone():
    apart = _models(balancer=dict(type='mmmultas.Uncertainty'))[1]
    apart.meet_run(1, 9, False, 1)
    apart.train_step(_batches(), _optim(apart))
    before = copy.deepcopy(apart.balancer.state_dict())
    batches = _batches(1)
    batches['seg']['inputs'] = [
        torch.full_like(x, torch.nan, dtype=torch.float32)
        for x in batches['seg']['inputs']]
    with pytest.raises(NonFiniteLossError):
        apart.train_step(batches, _optim(apart))
    for name, value in apart.balancer.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_stream_without_labels_changes_nothing():
    joint, apart = _models()
    batch = dict(_batches(), plain=toy_batch((), 2))
    for model in (joint, apart):
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()  # its statistics see every image
    logs = [m.train_step(batch, _optim(m)) for m in (joint, apart)]
    torch.testing.assert_close(logs[0]['loss'], logs[1]['loss'])
    for name, value in apart.state_dict().items():
        torch.testing.assert_close(value, joint.state_dict()[name])


def test_a_task_in_two_streams_is_refused():
    _, apart = _models()
    batches = dict(a=toy_batch(('det', )), b=toy_batch(('det', 'seg')))
    with pytest.raises(ConfigError, match=r"'det' is labelled.*\(a, b\)"):
        apart.train_step(batches, _optim(apart))


def test_not_with_fused_batches():
    with DefaultScope.overwrite_default_scope('mmdet'):
        with pytest.raises(ConfigError, match='choose one'):
            MODELS.build(toy_model(fuse_batches=True, sequential=True))
