"""What only a GPU can show; ``make test-gpu`` runs it, nothing else does."""
import math

import pytest
import torch
from mmengine.optim import OptimWrapper
from test_configs import CONFIGS, _name, _shrunken, _streams

from mmmultas.registry import METRICS, MODELS
from mmmultas.structures import gt_field, pred_field
from mmmultas.testing import (toy_batch, toy_config, toy_distillation,
                              toy_model, toy_weak_losses)
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.launch import build_runner

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason='needs a GPU')

DEVICE = 'cuda'
BALANCERS = [
    'Uncertainty', 'DWA', 'UWSO', 'RLW', 'GLS', 'FAMO', 'STCH', 'GradNorm',
    'EqualNorms', 'MGDA', 'CAGrad', 'GradVac', 'PCGrad', 'AlignedMTL', 'IMTL',
    'FairGrad', 'NashMTL'
]
METRIC_OF = dict(depth='DepthMetric', normals='NormalMetric',
                 edges='EdgeMetric', saliency='SaliencyMetric')
FLOAT16 = dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')
BFLOAT16 = dict(type='mmmultas.BFloat16OptimWrapper')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Checkpoints of teachers, which many students share."""
    return tmp_path_factory.mktemp('teachers')


@pytest.mark.parametrize('path', CONFIGS, ids=_name)
def test_one_step(path, folder):
    cfg, model = _shrunken(path, folder)
    model.to(DEVICE).train()
    optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    logs = model.train_step(_streams(cfg), optim)
    assert torch.isfinite(logs['loss'])
    samples = model.eval().val_step(toy_batch((), 1, 64))
    for task in model.heads:
        assert pred_field(task) in samples[0]


def _systems(folder):
    return dict(
        plain=toy_model(dropout=.2),
        weak=toy_model(dropout=.2, companions=toy_weak_losses()),
        distilled=toy_distillation(folder),
        famo=toy_model(balancer=dict(type='mmmultas.FAMO')),
        nash=toy_model(
            balancer=dict(type='mmmultas.NashMTL', every=2, max_norm=1.)))


def _config(work_dir, model, wrapper=None, **kwargs):
    cfg = toy_config(work_dir, model=model, **kwargs)
    cfg.optim_wrapper.update(wrapper or {})
    return cfg


def _run(cfg):
    runner = build_runner(cfg)
    assert next(runner.model.parameters()).device.type == DEVICE
    runner.train()
    return runner


def _same(a, b):
    assert a.keys() == b.keys()
    for key, value in a.items():
        torch.testing.assert_close(value, b[key], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('name', ['plain', 'weak', 'distilled', 'famo',
                                  'nash'])
@pytest.mark.parametrize('wrapper', [None, FLOAT16, BFLOAT16],
                         ids=['float32', 'float16', 'bfloat16'])
def test_run_goes_on_where_it_stopped(name, wrapper, tmp_path, folder):
    """Trains, validates, and a resumed run ends like one without a break."""
    model = _systems(folder)[name]
    whole = _run(_config(tmp_path / 'whole', model, wrapper, epochs=3))
    scores = whole.message_hub.get_scalar('val/seg/mIoU').current()
    assert math.isfinite(scores)
    first = load_file(tmp_path / 'whole' / 'epoch_2.pth')
    assert all(v.device.type == 'cpu' for v in first['state_dict'].values())
    cfg = _config(tmp_path / 'again', model, wrapper, epochs=3)
    cfg.load_from, cfg.resume = str(tmp_path / 'whole' / 'epoch_2.pth'), True
    _run(cfg)
    if wrapper is None or name != 'weak':  # choices of the teacher may turn
        _same(*(load_file(tmp_path / part / 'epoch_3.pth')['state_dict']
                for part in ('again', 'whole')))


@pytest.mark.parametrize('name', BALANCERS)
@pytest.mark.parametrize('wrapper', [None, FLOAT16],
                         ids=['float32', 'float16'])
def test_balancers(name, wrapper, tmp_path):
    model = toy_model(balancer=dict(type=f'mmmultas.{name}'))
    # some compare epochs, of which the first tell nothing
    cfg = _config(tmp_path, model, wrapper, epochs=6, epoch_length=2)
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    runner = _run(cfg)
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())


@pytest.mark.parametrize('kind', METRIC_OF)
def test_maps_are_judged_as_on_a_cpu(kind):
    torch.manual_seed(0)
    channels = 3 if kind == 'normals' else 1
    known = torch.rand(channels, 20, 30)
    truth = (known > .5).byte() if kind in ('edges', 'saliency') else known
    maps = {pred_field(kind): torch.rand(channels, 20, 30),
            gt_field(kind): truth}
    scores = []
    for device in ('cpu', DEVICE):
        metric = METRICS.build(dict(type=f'mmmultas.{METRIC_OF[kind]}'))
        metric.process({}, [{k: dict(data=v.to(device))
                             for k, v in maps.items()}])
        scores.append(metric.evaluate(1))
    assert scores[0] == pytest.approx(scores[1])


def test_losses_are_those_of_a_cpu(monkeypatch):
    """First losses of one network on both devices."""
    # by default convolutions of a GPU round their factors to TF32
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', False)
    found = []
    for device in ('cpu', DEVICE):
        torch.manual_seed(0)
        model = MODELS.build(toy_model()).to(device).train()
        optim = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01))
        steps = []
        for seed in range(5):
            logs = model.train_step(
                dict(det=toy_batch(('det', ), seed=seed),
                     seg=toy_batch(('seg', ), seed=seed)), optim)
            steps.append({k: float(v) for k, v in logs.items()})
        found.append(steps)
    for cpu, gpu in zip(*found):
        assert cpu == pytest.approx(gpu, rel=1e-3)
