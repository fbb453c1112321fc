import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from mmmultas.engine import optim
from mmmultas.engine.optim import BFloat16OptimWrapper, wrapper_for_cpu
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


@pytest.fixture(autouse=True)
def cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(optim, 'has_bf16', lambda: True)


def _wrapped(kind, model, **kwargs):
    return kind(optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
                **kwargs)


def test_refused_without_instructions_unless_forced(monkeypatch):
    monkeypatch.setattr(optim, 'has_bf16', lambda: False)
    model = torch.nn.Linear(1, 1)
    with pytest.raises(ConfigError, match='no instructions for bfloat16'):
        _wrapped(BFloat16OptimWrapper, model)
    _wrapped(BFloat16OptimWrapper, model, force=True)


def test_an_update_in_bfloat16():
    """Convolutions in 16 bits; losses, gradients and weights in 32."""
    init_default_scope('mmdet')
    steps = {}
    for kind in (OptimWrapper, BFloat16OptimWrapper):
        torch.manual_seed(0)
        model = MODELS.build(toy_model())
        model.init_weights()
        seen = set()
        model.neck.register_forward_hook(
            lambda m, args, out, seen=seen: seen.add(out[0].dtype))
        logs = model.train_step(
            dict(a=toy_batch(('det', )), b=toy_batch(('seg', ))),
            _wrapped(kind, model))
        steps[kind] = (logs, seen, model)
    logs, seen, model = steps[BFloat16OptimWrapper]
    plain, in_full, other = steps[OptimWrapper]
    assert seen == {torch.bfloat16} and in_full == {torch.float32}
    for name, value in logs.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, plain[name], atol=0, rtol=0.05)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert any(not torch.equal(p, q) for p, q in zip(
        model.parameters(), other.parameters()))


def test_mmengines_wrapper_becomes_ours():
    cfg = dict(type='AmpOptimWrapper', loss_scale='dynamic', optimizer=1)
    assert wrapper_for_cpu(cfg) == dict(
        type='mmmultas.BFloat16OptimWrapper', optimizer=1)
    assert wrapper_for_cpu(dict(cfg, dtype='bfloat16')) == dict(
        type='mmmultas.BFloat16OptimWrapper', optimizer=1)
    with pytest.raises(ConfigError, match='is float16, but there is no GPU'):
        wrapper_for_cpu(dict(cfg, dtype='float16'))
    plain = dict(type='OptimWrapper')
    assert wrapper_for_cpu(plain) is plain


def test_mmengines_wrapper_is_kept_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    cfg = dict(type='AmpOptimWrapper', dtype='float16')
    assert wrapper_for_cpu(cfg) is cfg


def test_a_config_that_names_mmengines_wrapper(tmp_path):
    cfg = toy_config(tmp_path, epochs=1)
    cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    runner = build_runner(cfg)
    runner.train()
    assert isinstance(runner.optim_wrapper, BFloat16OptimWrapper)
