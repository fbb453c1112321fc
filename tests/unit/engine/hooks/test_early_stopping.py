import pytest

from mmmultas.engine.hooks.early_stopping import (EarlyStoppingHook,
                                                  should_stop)
from mmmultas.testing import toy_config
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def test_patience_counts_epochs_since_the_best():
    rising = {i: float(i) for i in range(1, 9)}
    assert not should_stop(rising, patience=1)
    assert not should_stop({1: 5., 2: 4.}, patience=2)
    assert should_stop({1: 5., 2: 4., 3: 4.}, patience=2)
    assert not should_stop({}, patience=1)


def test_small_growth_does_not_count():
    creeping = {1: 5., 2: 5.05, 3: 5.1}
    assert should_stop(creeping, patience=2, min_delta=.2)
    assert not should_stop(creeping, patience=2)


def test_begin_and_gap_factor():
    flat = {i: 1. for i in range(1, 11)}
    assert not should_stop(flat, patience=2, begin=10)
    # one wait of 6 epochs ended well: wait 1.5 x 6 from the last growth
    history = {1: 1., **{i: 0. for i in range(2, 7)}, 7: 2.}
    history.update({i: 0. for i in range(8, 16)})
    assert not should_stop(history, patience=2, gap_factor=1.5)
    history[16] = 0.
    assert should_stop(history, patience=2, gap_factor=1.5)


def test_ends_a_run(tmp_path):
    cfg = toy_config(tmp_path, epochs=4)
    cfg.optim_wrapper.optimizer.lr = 0.0
    cfg.custom_hooks.append(
        dict(type='mmmultas.EarlyStoppingHook', patience=2, min_delta=1e9))
    runner = build_runner(cfg)
    runner.train()
    assert runner.epoch == 3


def test_needs_scores(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.val_cfg.selection = None
    cfg.default_hooks.checkpoint.save_best = None
    cfg.custom_hooks.append(dict(type='mmmultas.EarlyStoppingHook'))
    with pytest.raises(ConfigError, match='val_cfg.selection'):
        build_runner(cfg).train()
    with pytest.raises(ConfigError, match='patience'):
        EarlyStoppingHook(patience=0)
