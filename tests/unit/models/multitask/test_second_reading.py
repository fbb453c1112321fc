"""A batch read again after its step changes nothing but the balancer."""
import random
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmmultas.engine.seeds import draws_of, seed_update
from mmmultas.models.balancers import FAMO
from mmmultas.models.multitask.det_seg import MultiTaskDetSeg
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_config, toy_model
from mmmultas.utils.launch import build_runner

TASKS = ('det', 'seg')


def streams():
    return {task: toy_batch((task, )) for task in TASKS}


@pytest.fixture(scope='module')
def famo():
    """A network with dropout after an update, and what it was told."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(toy_model(
        dropout=.5, balancer=dict(type='mmmultas.FAMO'),
        task_weights=dict(det=2., seg=1.))).train()
    model.keep_batches()
    model.set_update(4)
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=.05))
    seed_update(0, 4)
    logs = model.train_step(streams(), optim)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    told, scopes = [], []
    model.balancer.after_step = told.extend

    @contextmanager
    def scope(update):
        scopes.append((update, torch.is_grad_enabled()))
        with draws_of(0, update):
            yield

    draws = torch.random.get_rng_state(), random.getstate()
    model.look_again(scope)
    assert torch.equal(draws[0], torch.random.get_rng_state())
    assert draws[1] == random.getstate()
    model.look_again(scope)  # none is left
    return model, logs, before, told, scopes


def test_nothing_of_the_model_changes(famo):
    model, _, before, _, scopes = famo
    assert scopes == [(4, False)]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert any('running_mean' in name for name in before)
    assert model.training and all(
        p.grad is None for p in model.parameters())


def test_losses_are_those_of_the_same_batch(famo):
    model, logs, _, told, _ = famo
    (first, second), = told
    seed_update(0, 4)  # the same dropout
    with torch.no_grad():
        data = model.data_preprocessor(streams(), True)
        losses = model(**data, mode='loss')
    for task in TASKS:
        names = [name for name in losses if name.startswith(f'{task}.')]
        assert float(first[task]) == pytest.approx(
            sum(float(logs[name]) for name in names))
        weight = model.task_weights[task]
        want = weight * sum(float(losses[name]) for name in names)
        assert float(second[task]) == pytest.approx(want)
        assert float(second[task]) != pytest.approx(float(first[task]))


def test_who_asks_for_nothing_keeps_nothing():
    model = MODELS.build(toy_model(balancer=dict(type='mmmultas.GLS')))
    model.keep_batches()
    assert model.second_reading is None


def run(work_dir, resume=None, epochs=2, model=None, **changes):
    model = model or toy_model(
        dropout=.5, balancer=dict(type='mmmultas.FAMO'))
    cfg = toy_config(work_dir, epochs=epochs, epoch_length=4, model=model)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    cfg.merge_from_dict(changes)
    if resume:
        cfg.resume, cfg.load_from = True, str(resume)
    runner = build_runner(cfg)
    runner.train()
    return runner


def same(one, other):
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    kept = other.model.balancer.state_dict()
    for name, value in one.model.balancer.state_dict().items():
        assert torch.equal(value, kept[name]), name


def test_a_run_goes_on_exactly(tmp_path):
    whole = run(tmp_path / 'whole')
    assert whole.model.balancer.steps.tolist() == [8, 8]
    assert whole.model.balancer.logits[0] != 0
    same(whole, run(tmp_path / 'again', tmp_path / 'whole/epoch_1.pth'))


def test_a_run_is_what_it_is_without_the_second_reading(
        tmp_path, monkeypatch):
    """But for the balancer, which learns nothing here."""
    monkeypatch.setattr(FAMO, 'after_step', lambda *_: None)
    read = run(tmp_path / 'read')
    numbers = np.random.rand(), random.random(), torch.rand(1)
    monkeypatch.setattr(FAMO, 'needs_after', False)
    same(read, run(tmp_path / 'unread'))
    assert numbers == (np.random.rand(), random.random(), torch.rand(1))


def test_batches_that_accumulate_and_losses_that_are_no_numbers(
        tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(FAMO, 'after_step',
                        lambda self, pairs: told.append(len(pairs)))
    run(tmp_path / 'two', epochs=1, **{
        'optim_wrapper.accumulative_counts': 2})
    assert told == [2, 2]
    told.clear()
    plain = MultiTaskDetSeg.loss

    def loss(self, *args):
        factor = float('nan') if self.balancer.update == 1 else 1
        return {k: factor * v for k, v in plain(self, *args).items()}

    monkeypatch.setattr(MultiTaskDetSeg, 'loss', loss)
    run(tmp_path / 'bad', epochs=1, **{'train_cfg.skip_nonfinite': 1})
    assert told == [1, 1, 1]


@pytest.mark.parametrize('companions', [
    {}, dict(b4m=dict(type='mmmultas.BoxForMask'),
             m4b=dict(type='mmmultas.MaskForBox'))])
def test_a_step_that_changes_nothing_is_read_as_it_was(
        tmp_path, monkeypatch, companions):
    """In mixed precision, too, with the same dropout, and where others ask
    heads for more images, which their batch norm sees."""
    told = []
    monkeypatch.setattr(FAMO, 'after_step',
                        lambda self, pairs: told.extend(pairs))
    run(tmp_path, epochs=1, **{
        'optim_wrapper.type': 'mmmultas.BFloat16OptimWrapper',
        'optim_wrapper.force': True, 'optim_wrapper.optimizer.lr': 0.,
        'model.companions': companions})
    assert len(told) == 4
    for before, after in told:
        assert {t: before[t] for t in TASKS} == after
