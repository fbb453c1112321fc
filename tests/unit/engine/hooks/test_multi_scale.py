import pytest

from mmmultas.engine.hooks.multi_scale import size_at
from mmmultas.testing import toy_config, toy_model
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def test_a_function_of_seed_and_update():
    sizes = [size_at([1, 2, 3], 0, i) for i in range(300)]
    assert sizes == [size_at([1, 2, 3], 0, i) for i in range(300)]
    assert sizes != [size_at([1, 2, 3], 1, i) for i in range(300)]
    assert min(sizes.count(k) for k in (1, 2, 3)) > 70


def _run(tmp_path, **hook):
    cfg = toy_config(tmp_path, epochs=2, model=hook.pop('model', None))
    cfg.custom_hooks.append(
        dict(type='mmmultas.MultiScaleHook', sizes=[32, 96], **hook))
    runner = build_runner(cfg)
    seen = []
    extract = runner.model.extract_feats

    def spy(inputs):
        if runner.model.training:
            seen.append({k: x.shape[-1] for k, x in inputs.items()})
        return extract(inputs)

    runner.model.extract_feats = spy
    runner.train()
    return seen


def test_sizes_until_late_in_training(tmp_path):
    seen = _run(tmp_path, until=0.5)
    assert len(seen) == 12
    assert {s['seg'] for s in seen} == {64}
    assert {s['det'] for s in seen[:6]} <= {32, 96}
    assert {s['det'] for s in seen[6:]} == {64}


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match='depth'):
        _run(tmp_path, streams=['depth'])
    with pytest.raises(ConfigError, match='fuse_batches'):
        _run(tmp_path, model=toy_model(fuse_batches=True))
    _run(tmp_path, model=toy_model(fuse_batches=True),
         streams=['det', 'seg'])
