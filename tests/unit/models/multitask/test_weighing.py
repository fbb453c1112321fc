"""What a balancer's factors do to gradients, in a network."""
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmmultas.models.multitask.pool import Pool
from mmmultas.models.multitask.task_gradients import (gram_of,
                                                      shared_parameters)
from mmmultas.models.multitask.weighing import owner_of, task_losses
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner

TASKS = ('det', 'seg')


def built(**kwargs):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    return MODELS.build(toy_model(**kwargs)).train()


def streams(**tasks):
    return tasks or dict(det=toy_batch(('det', )), seg=toy_batch(('seg', )))


def gradients(model, data=None):
    """Of an update: by name of the parameter; and its logs."""
    data = model.data_preprocessor(data or streams(), True)
    loss, logs = model.parse_losses(model(**data, mode='loss'))
    loss.backward()
    return {k: p.grad for k, p in model.named_parameters()}, logs


def alone(**kwargs):
    """Gradients of each task in a network without a balancer."""
    return {task: gradients(built(
        task_weights={t: float(t == task) for t in TASKS}, **kwargs))[0]
        for task in TASKS}


@pytest.fixture(scope='module')
def parts():
    return alone()


@pytest.mark.parametrize('rule', ['MGDA', 'CAGrad', 'PCGrad', 'GradNorm'])
def test_heads_are_spared(parts, rule):
    model = built(balancer=dict(type=f'mmmultas.{rule}'))
    found, logs = gradients(model)
    factors = {t: float(logs[f'balance/{t}']) for t in TASKS}
    assert rule == 'GradNorm' or set(factors.values()) != {1.0}
    for name, grad in found.items():
        if name.startswith('heads.'):
            want = parts[name.split('.')[1]][name]
        else:
            want = sum(factors[t] * parts[t][name] for t in TASKS)
        torch.testing.assert_close(grad, want, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('rule', ['Uncertainty', 'GLS', 'NashMTL'])
def test_losses_are_weighed_with_their_heads(parts, rule):
    model = built(balancer=dict(type=f'mmmultas.{rule}'))
    found, logs = gradients(model)
    factors = {t: float(logs[f'balance/{t}']) for t in TASKS}
    for name, grad in found.items():
        want = sum(factors[t] * parts[t][name] for t in TASKS
                   if parts[t][name] is not None)
        torch.testing.assert_close(grad, want, atol=1e-5, rtol=1e-4)


def test_the_gram_matrix_is_that_of_the_joint_gradients(parts):
    model = built(balancer=dict(type='mmmultas.MGDA'))
    seen = []
    rule = model.balancer.rule
    model.balancer.rule = lambda *args: seen.append(args[2]) or rule(*args)
    gradients(model)
    names = [k for k, _ in model.named_parameters()
             if not k.startswith('heads.')]
    assert len(names) == len(shared_parameters(model, ('backbone', 'neck')))
    want = gram_of({t: torch.cat([parts[t][k].flatten() for k in names])
                    for t in TASKS})
    torch.testing.assert_close(seen[0], want, atol=1e-5, rtol=1e-4)
    # the loss scale of mixed precision falls out again
    model.loss_scale = 1024.0
    gradients(model)
    torch.testing.assert_close(seen[1], want, atol=1e-5, rtol=1e-3)


def test_base_weights_come_first():
    plain = built(balancer=dict(type='mmmultas.GLS'))
    heavy = built(balancer=dict(type='mmmultas.GLS'),
                  task_weights=dict(det=4.0, seg=1.0))
    (one, _), (other, _) = gradients(plain), gradients(heavy)
    for name, grad in one.items():  # √4: the mean is geometric
        torch.testing.assert_close(other[name], 2 * grad)


def test_rules_see_the_losses_that_are_trained():
    """Pseudo-labels have a weight of their own, not that of their task."""
    model = built(balancer=dict(type='mmmultas.GLS'),
                  task_weights=dict(det=4.0, seg=1.0))
    joint = Pool({}, {'det.loss': torch.tensor(1.),
                      'pseudo.det.loss': torch.tensor(1.)},
                 {'seg': torch.tensor(2.)})
    found = task_losses(model, joint)
    assert {k: float(v) for k, v in found.items()} == dict(det=5., seg=2.)


def test_the_log_has_losses_and_gradients_before_they_are_balanced(parts):
    model = built(balancer=dict(type='mmmultas.MGDA'),
                  task_weights=dict(det=2.0, seg=1.0))
    plain = built(task_weights=dict(det=2.0, seg=1.0))
    seen = {}
    for name, net in (('balanced', model), ('plain', plain)):
        def look(losses, net=net, name=name):
            sums = {t: sum(v for k, v in losses.items() if k.startswith(t))
                    for t in TASKS}
            seen[name] = net.task_gradients(sums, ('backbone', ))
        net.on_losses = look
    logs, want = gradients(model)[1], gradients(plain)[1]
    assert {k: v for k, v in logs.items() if 'balance' not in k} == want
    for task in TASKS:
        assert torch.equal(seen['balanced'][task], seen['plain'][task])


def test_an_update_with_the_labels_of_one_task():
    model = built(balancer=dict(type='mmmultas.MGDA'))
    gradients(model)
    model.zero_grad()
    found, logs = gradients(model, dict(det=toy_batch(('det', ))))
    want, _ = gradients(built(), dict(det=toy_batch(('det', ))))
    assert not any(name.startswith('balance/') for name in logs)
    for name, grad in found.items():
        assert (grad is None) == name.startswith('heads.seg.')
        if grad is not None:
            torch.testing.assert_close(grad, want[name])


def test_no_state_is_kept_of_a_loss_that_is_no_number():
    model = built(balancer=dict(type='mmmultas.Uncertainty'))
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.01))
    before = model.balancer.log_var.clone()
    data = streams()
    data['det']['inputs'] = [x * float('nan') for x in data['det']['inputs']]
    with pytest.raises(Exception, match='det.*(NaN|nan)'):
        model.train_step(data, optim)
    assert torch.equal(before, model.balancer.log_var)
    model.train_step(streams(), optim)
    assert not torch.equal(before, model.balancer.log_var)


def test_names_of_losses_tell_their_task():
    assert [owner_of(name, dict(det=0)) for name in (
        'det.loss_cls', 'pseudo.det.loss_cls', 'pseudo.seg.loss', 'kd.loss'
    )] == ['det', 'det', 'pseudo', 'kd']


@pytest.mark.parametrize('kwargs, message', [
    (dict(balancer=dict(type='mmmultas.MGDA', module='nek')),
     "'nek' is no part of the model"),
    (dict(balancer=dict(type='mmmultas.NashMTL'),
          frozen=('backbone', 'neck')), 'all of it is frozen'),
    (dict(balancer=dict(type='mmmultas.MGDA'), sequential=True),
     'sequential'),
    (dict(balancer=dict(type='mmmultas.MGDA'), companions=dict(
        b4m=dict(type='mmmultas.BoxForMask'))), 'leave one of them out'),
    (dict(tasks=('det', ), balancer=dict(type='mmmultas.DWA')),
     'det is all there is'),
])
def test_what_does_not_fit(kwargs, message):
    with pytest.raises(ConfigError, match=message):
        built(**kwargs)


def test_a_head_that_reads_a_head():
    model = toy_model(balancer=dict(type='mmmultas.MGDA'))
    model['heads']['det'].update(
        inputs=('neck.0', 'seg'), anchors=dict(
            type='mmmultas.AnchorGrid', strides=[8], base_size=16))
    init_default_scope('mmdet')
    with pytest.raises(ConfigError, match='a head reads another head'):
        MODELS.build(model)


def test_a_run_goes_on_exactly(tmp_path):
    """The state of a balancer is in the checkpoint, its factors in the log.
    """
    def run(work_dir, **kwargs):
        model = toy_model(balancer=dict(type='mmmultas.DWA'))
        cfg = toy_config(work_dir, epochs=3, epoch_length=3, model=model)
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
        cfg.merge_from_dict(kwargs)
        runner = build_runner(cfg)
        runner.train()
        return runner

    whole = run(tmp_path / 'whole')
    scalars = whole.message_hub.log_scalars
    assert scalars['train/balance/det'].current() != 1
    again = run(tmp_path / 'again', resume=True,
                load_from=str(tmp_path / 'whole/epoch_2.pth'))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    assert torch.equal(whole.model.balancer.last, again.model.balancer.last)


@pytest.mark.parametrize('change, message', [
    (dict(train_cfg=dict(alternate='epoch')), "`train_cfg.alternate='epoch'`"),
    (dict(compile=True), 'compiled model'),
])
def test_runs_that_make_no_sense(tmp_path, change, message):
    model = toy_model(balancer=dict(type='mmmultas.MGDA'))
    cfg = toy_config(tmp_path, model=model)
    cfg.merge_from_dict(change)
    with pytest.raises(ConfigError, match=message):
        build_runner(cfg).train()
