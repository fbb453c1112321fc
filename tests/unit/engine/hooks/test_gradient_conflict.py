import doctest
import json
import logging
import socket
from types import SimpleNamespace

import pytest
import torch
import torch.multiprocessing as mp
from mmengine.registry import init_default_scope

import mmmultas.engine.hooks.gradient_conflict as module
from mmmultas.analysis.run_logs import curves_of, panels_of, read_run
from mmmultas.engine.hooks import GradientConflictHook
from mmmultas.engine.hooks.gradient_conflict import conflicts
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_config, toy_model, toy_stream
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner

COSINE, RATIO = 'conflict/det-seg.cosine', 'conflict/det-seg.norm_ratio'


def test_examples():
    assert doctest.testmod(module, extraglobs=dict(torch=torch)).failed == 0


def test_pairs():
    found = conflicts(dict(
        a=torch.tensor([3.0, 4.0]), b=torch.tensor([4.0, -3.0]),
        c=torch.tensor([6.0, 8.0]), none=torch.zeros(2),
        broken=torch.tensor([float('nan'), 1])))
    assert found['a-b.cosine'] == pytest.approx(0, abs=1e-7)
    assert found['a-c.cosine'] == pytest.approx(1)
    assert found['a-c.norm_ratio'] == pytest.approx(0.5)
    assert len(found) == 6  # nothing of the zero and of the broken one


def _runner(work_dir, interval=None, model=None, streams=None, epochs=2,
            **train_cfg):
    cfg = toy_config(work_dir, streams, epochs,
                     toy_model(dropout=0.2, **(model or {})), **train_cfg)
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    cfg.visualizer = dict(
        type='mmmultas.MultiTaskVisualizer',
        vis_backends=[dict(type='LocalVisBackend')])
    if interval:
        cfg.custom_hooks.append(
            dict(type='mmmultas.GradientConflictHook', interval=interval))
    return build_runner(cfg)


def _records(folder):
    file, = folder.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """The same training without and with the hook."""
    runs = []
    for interval in (None, 5):
        folder = tmp_path_factory.mktemp('run')
        torch.manual_seed(0)
        runner = _runner(folder, interval)
        runner.train()
        runs.append(SimpleNamespace(
            folder=folder, state=runner.model.state_dict(),
            rng=torch.get_rng_state(), records=_records(folder),
            model=runner.model))
    return runs


def test_training_stays_the_same(two):
    without, with_hook = two
    assert torch.equal(without.rng, with_hook.rng)
    for name, value in without.state.items():
        assert torch.equal(value, with_hook.state[name]), name
    clock = {'time', 'data_time', 'memory', COSINE, RATIO}
    assert len(without.records) == 14
    for one, other in zip(without.records, with_hook.records, strict=True):
        assert {k: v for k, v in one.items() if k not in clock} == {
            k: v for k, v in other.items() if k not in clock}
    assert with_hook.model.on_losses is None


def test_what_is_logged(two):
    steps = {r['step']: r for r in two[1].records if 'loss' in r}
    assert [n for n in steps if COSINE in steps[n]] == list(range(5, 13))
    assert -1 <= steps[5][COSINE] <= 1 and steps[5][RATIO] > 0
    assert steps[5][COSINE] == steps[9][COSINE] != steps[10][COSINE]
    run = read_run(two[1].folder)
    curve = curves_of(run)[COSINE]
    assert curve.steps == list(range(5, 13))
    panels = panels_of([run])
    assert COSINE in panels['gradients: cosine']
    assert RATIO in panels['gradients: norm_ratio']


def _model(batches, **kwargs):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(toy_model(**kwargs))
    model.init_weights()
    return model.eval(), model.data_preprocessor(batches, True)


def _measured(model, data, hook=None, factor=1.0):
    hook = hook or GradientConflictHook()
    losses = model(**data, mode='loss')
    hook._measure(model, losses, factor)
    return hook._gradients, losses


BOTH = dict(one=toy_batch(('det', 'seg')))


def test_gradients_are_those_of_backward():
    model, data = _model(BOTH)
    gradients, losses = _measured(model, data)
    assert all(p.grad is None for p in model.parameters())
    (losses['det.loss_cls'] + losses['det.loss_bbox']).backward()
    weights = [*model.backbone.parameters(), *model.neck.parameters()]
    truth = torch.cat([w.grad.flatten() for w in weights])
    assert torch.allclose(gradients['det'], truth, atol=1e-7)
    scaled, _ = _measured(model, data, factor=1024.0)
    assert conflicts(scaled) == pytest.approx(conflicts(gradients), rel=1e-4)


def test_frozen_parameters_and_absent_labels():
    model, data = _model(BOTH)
    for weight in model.neck.parameters():
        weight.requires_grad = False
    gradients, _ = _measured(model, data)
    assert len(gradients['seg']) == sum(
        w.numel() for w in model.backbone.parameters())
    only, _ = _measured(
        model, data, GradientConflictHook(module='backbone.stem'))
    assert len(only['seg']) == sum(
        w.numel() for w in model.backbone.stem.parameters())
    model.backbone.requires_grad_(False)
    assert _measured(model, data)[0] == {}
    model, data = _model(dict(one=toy_batch(('det', ))))
    assert _measured(model, data)[0] == {}


def test_an_update_without_a_value_leaves_none(tmp_path, caplog):
    # one image of four has masks, so one update of two in every epoch
    kinds = [('det', 'seg'), *[('det', )] * 3]
    streams = dict(one=toy_stream(4, kinds))
    runner = _runner(tmp_path, 1, streams=streams, epochs=3)
    with caplog.at_level(logging.WARNING):
        runner.train()
    found = [COSINE in r for r in _records(tmp_path) if 'loss' in r]
    assert sorted(found) == [False] * 3 + [True] * 3
    said = [r for r in caplog.messages if 'measured nothing' in r]
    assert len(said) <= 1


@pytest.mark.parametrize('change, words', [
    (dict(model=dict(sequential=True)), '`model.sequential=False`'),
    (dict(alternate='epoch'), "set it to 'iteration'"),
])
def test_refusals(tmp_path, change, words):
    with pytest.raises(ConfigError, match=words):
        _runner(tmp_path, 1, **change).train()


def test_refused_parts_and_models(tmp_path):
    runner = _runner(tmp_path)
    runner.train_loop  # noqa: B018
    with pytest.raises(ConfigError, match="'bone'.*'backbone'"):
        GradientConflictHook(module='bone').before_train(runner)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    GradientConflictHook().before_train(runner)
    runner.model.neck = None
    GradientConflictHook().before_train(runner)
    runner.model.backbone.down.with_cp = True
    with pytest.raises(ConfigError, match='with_cp'):
        GradientConflictHook().before_train(runner)
    runner.model.backbone.down.with_cp = False
    runner.cfg.compile = True
    with pytest.raises(ConfigError, match='`compile=False`'):
        GradientConflictHook().before_train(runner)
    with pytest.raises(ConfigError, match='positive number'):
        GradientConflictHook(interval=0)


def _half(rank, port, queue):
    torch.distributed.init_process_group(
        'gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank,
        world_size=2)
    batch = toy_batch(('det', 'seg'), count=4)
    part = {k: v[2 * rank:2 * rank + 2] for k, v in batch.items()}
    model, data = _model(dict(one=part))
    gradients, _ = _measured(model, data)
    queue.put({k: v.tolist() for k, v in gradients.items()})
    kinds = ('det', 'seg') if rank else ('det', )
    model, data = _model(dict(one=toy_batch(kinds)))
    queue.put(len(_measured(model, data)[0]))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def test_two_processes_see_the_joint_batch():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    context = mp.get_context('fork')
    queue = context.SimpleQueue()
    workers = [context.Process(target=_half, args=(rank, port, queue))
               for rank in range(2)]
    for worker in workers:
        worker.start()
    found = [queue.get() for _ in range(4)]
    for worker in workers:
        worker.join()
    parts = [entry for entry in found if isinstance(entry, dict)]
    assert [entry for entry in found if entry == 0] == [0, 0]
    model, data = _model(dict(one=toy_batch(('det', 'seg'), count=4)))
    joint, _ = _measured(model, data)
    for part in parts:
        for task, gradient in joint.items():
            assert torch.allclose(torch.tensor(part[task]), gradient,
                                  rtol=1e-4, atol=1e-6)
