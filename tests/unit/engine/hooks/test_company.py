from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel

from mmmultas.engine.hooks.company import CompanyHook
from mmmultas.models.multitask import weighing
from mmmultas.models.multitask.company import Accompanied
from mmmultas.testing import toy_config, toy_distillation, toy_model
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError, ConfigError
from mmmultas.utils.launch import build_runner


class Model:
    """Has what the hook talks to."""

    def __init__(self):
        self.updates, self.loaded = [], []
        self.set_update = self.updates.append
        self.load_extra_state = self.loaded.append

    def extra_state(self):
        return dict(w=torch.ones(2))


def _runner(**kwargs):
    return SimpleNamespace(**dict(dict(
        model=Model(), optim_wrapper=None), **kwargs))


def test_tells_the_update():
    runner = _runner(iter=7)
    CompanyHook().before_train_iter(runner, 0)
    assert runner.model.updates == [7]
    assert runner.model.loss_scale == 1


def test_tells_the_loss_scale_of_mixed_precision():
    scaler = SimpleNamespace(get_scale=lambda: 512)
    runner = _runner(iter=0, optim_wrapper=SimpleNamespace(loss_scaler=scaler))
    CompanyHook().before_train_iter(runner, 0)
    assert runner.model.loss_scale == 512


def test_looks_inside_ddp():
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    torch.nn.Module.__init__(wrapper)
    object.__setattr__(wrapper, 'module', Model())
    CompanyHook().before_train_iter(_runner(model=wrapper, iter=3), 0)
    assert wrapper.module.updates == [3]


def test_saves_and_restores():
    runner, checkpoint = _runner(_resume=True), {}
    hook = CompanyHook()
    hook.before_save_checkpoint(runner, checkpoint)
    assert list(checkpoint) == ['companions']
    hook.after_load_checkpoint(runner, checkpoint)
    # its name when teachers were the only companions
    hook.after_load_checkpoint(runner, dict(distiller=3))
    assert runner.model.loaded == [checkpoint['companions'], 3]
    with pytest.raises(CheckpointError, match='written without companions'):
        hook.after_load_checkpoint(runner, {})


def test_weights_alone_need_no_connectors():
    runner = _runner(_resume=False)
    CompanyHook().after_load_checkpoint(runner, {})
    CompanyHook().after_load_checkpoint(runner, dict(distiller={}))
    assert runner.model.loaded == []


def _config(folder, work_dir, **kwargs):
    cfg = toy_config(
        work_dir, model=toy_distillation(folder), epoch_length=2, **kwargs)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.custom_hooks = []
    return cfg


def test_the_runner_registers_it_where_there_is_company(tmp_path):
    runner = build_runner(_config(tmp_path, tmp_path / 'work', epochs=1))
    seen = []
    tell = runner.model.set_update
    runner.model.set_update = lambda n: (seen.append(n), tell(n))
    runner.train()
    hooks = [h for h in runner.hooks if isinstance(h, CompanyHook)]
    assert len(hooks) == 1 and seen == [0, 1]
    state = load_file(tmp_path / 'work/epoch_1.pth')['companions']['teachers']
    own = runner.model.extra_state()['teachers']
    assert all(torch.equal(state[k], v) for k, v in own.items())
    cfg = toy_config(tmp_path / 'plain', epochs=1, epoch_length=1)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    plain = build_runner(cfg)
    plain.train()
    assert not [h for h in plain.hooks if isinstance(h, CompanyHook)]


def test_other_connectors_cannot_be_resumed(tmp_path):
    build_runner(_config(tmp_path, tmp_path / 'work', epochs=1)).train()
    cfg = _config(tmp_path, tmp_path / 'work', epochs=2)
    connectors = cfg.model.distiller.connectors
    connectors.more = connectors.pop('det')
    wires = cfg.model.distiller.loss_forward_mappings
    wires.loss_det.student.connector = 'more'
    cfg.resume = True
    with pytest.raises(ConfigError, match='written with other connectors'):
        build_runner(cfg).train()


def test_a_longest_gradient_and_kept_weights(tmp_path, monkeypatch):
    """Of the shared part alone; kept weights are in the checkpoint."""
    norms, measured = [], []
    clip, measure = Accompanied.clip_shared, weighing.task_gradients

    def of(part):
        grads = [p.grad.flatten() for p in part if p.grad is not None]
        return float(torch.cat(grads).norm())

    def clip_shared(self, scale=1.0):
        shared = [*self.backbone.parameters(), *self.neck.parameters()]
        heads = of(self.heads.parameters())
        clip(self, scale)
        assert of(self.heads.parameters()) == heads
        norms.append(of(shared))

    monkeypatch.setattr(Accompanied, 'clip_shared', clip_shared)
    monkeypatch.setattr(weighing, 'task_gradients', lambda *args: (
        measured.append(1), measure(*args))[1])

    def run(work_dir, **kwargs):
        model = toy_model(balancer=dict(
            type='mmmultas.NashMTL', every=2, max_norm=.5))
        cfg = toy_config(work_dir, epochs=2, epoch_length=3, model=model)
        cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
        cfg.merge_from_dict(kwargs)
        runner = build_runner(cfg)
        runner.train()
        return runner

    whole = run(tmp_path / 'whole')
    assert norms == pytest.approx([.5] * 6, rel=1e-4)
    assert len(measured) == 3  # of six updates
    assert not whole.optim_wrapper.optimizer._optimizer_step_pre_hooks
    again = run(tmp_path / 'again', resume=True,
                load_from=str(tmp_path / 'whole/epoch_1.pth'))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_a_longest_gradient_where_the_optimizer_unscales():
    """A fused one is given gradients that are still scaled."""
    limits = []
    model = SimpleNamespace(
        balancer=SimpleNamespace(max_norm=2.), keep_batches=lambda: None,
        meet_average=lambda average: None, clip_shared=limits.append)
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=.1, fused=True)
    runner = _runner(model=model, hooks=[],
                     optim_wrapper=SimpleNamespace(optimizer=optimizer))
    hook = CompanyHook()
    hook.before_train(runner)
    optimizer.step()
    optimizer.grad_scale = torch.tensor(512.)
    optimizer.found_inf = torch.tensor(0.)
    optimizer.step()
    del optimizer.grad_scale, optimizer.found_inf
    hook.after_train(runner)
    optimizer.step()
    assert limits == [1, 512]
