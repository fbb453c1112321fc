import pytest
import torch
from mmengine.registry import DefaultScope, init_default_scope

import mmmultas.testing  # noqa: F401
from mmmultas.analysis import benchmark
from mmmultas.analysis.benchmark import (Speed, benchmark_loader,
                                         benchmark_model, fused)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_model
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def model():
    with DefaultScope.overwrite_default_scope('mmdet'):
        return MODELS.build(toy_model())


@pytest.fixture
def clock(monkeypatch):
    """A clock that ticks only when a test says so."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(benchmark.time, 'perf_counter', lambda: Clock.now)
    return Clock


def test_median_of_repeats():
    speed = Speed([10., 40., 20.], 8)
    assert speed.median == 20
    assert str(speed) == ('20.00 images/s (median of 3 x 8 images, 10.00 to '
                          '40.00), 50.00 ms per image')


def test_warm_up_is_not_timed(model, clock, monkeypatch):
    calls, step = [], model.test_step

    def slow(batch):
        calls.append(len(batch['inputs']))
        # the warm-up takes for ever, every later batch half a second
        clock.now += 1000 if len(calls) <= 2 else .5
        return step(batch)

    monkeypatch.setattr(model, 'test_step', slow)
    speed = benchmark_model(model, (64, 32), 3, batches=4, repeats=2,
                            warmup=2)
    assert speed == Speed([6.0, 6.0], 12)
    assert calls == [3] * 10


def test_loaders(tmp_path, clock, monkeypatch):
    init_default_scope('mmdet')
    cfg = toy_config(tmp_path)
    get = mmmultas.testing.ToyDataset.__getitem__

    def slow(self, index):
        clock.now += .25
        return get(self, index)

    monkeypatch.setattr(mmmultas.testing.ToyDataset, '__getitem__', slow)
    speed = benchmark_loader(cfg, 'train', 'det', 3, repeats=2, warmup=1)
    assert speed == Speed([4.0, 4.0], 6)
    # five images in batches of two: it starts again where it ends
    speed = benchmark_loader(cfg, 'val', 'val', 6, repeats=1, warmup=0)
    assert speed.images == 10
    with pytest.raises(ConfigError, match=r"'depth'.*\['det', 'seg'\]"):
        benchmark_loader(cfg, 'train', 'depth')


def test_fused_model_predicts_the_same(model):
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(.5, 2)
    image = torch.rand(1, 3, 64, 64)
    before = model.eval()(image)['seg']
    after = fused(model, (64, 64))(image)['seg']
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-4)
    assert not any(
        isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())


def test_a_model_that_cannot_be_fused(model):
    """Its batch norm stands behind a convolution but runs before it."""

    class Odd(torch.nn.Module):

        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(8, 8, 1)
            self.norm = torch.nn.BatchNorm2d(8)
            self.norm.running_mean.fill_(3)

        def forward(self, x):
            return self.conv(self.norm(x).relu())

    model.backbone.down = torch.nn.Sequential(
        Odd(), torch.nn.AvgPool2d(2))
    with pytest.raises(ConfigError, match='cannot be fused'):
        fused(model, (64, 64))


def test_numbers_out_of_range(model):
    with pytest.raises(ConfigError, match='`batches` is at least 1'):
        benchmark_model(model, (64, 64), batches=0)
