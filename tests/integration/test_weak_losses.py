"""Runs with weak losses: their files, their resumption, what they need."""
import pytest
import torch

from mmmultas.registry import MODELS
from mmmultas.testing import (toy_config, toy_model, toy_stream,
                              toy_weak_losses)
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may catch it."""


def _config(work_dir, **kwargs):
    model = toy_model(dropout=.2, companions=toy_weak_losses())
    cfg = toy_config(work_dir, epochs=3, model=model, **kwargs)
    cfg.custom_hooks[0].momentum = .1
    cfg.default_hooks.checkpoint.interval_iters = 2
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    return cfg


def _train(cfg, kill_at=None):
    runner = build_runner(cfg)
    step = runner.model.train_step

    def train_step(*args, **kwargs):
        if runner.iter == kill_at:
            raise Killed
        return step(*args, **kwargs)

    if kill_at is not None:
        runner.model.train_step = train_step
    runner.train()
    return runner


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A run without a break."""
    folder = tmp_path_factory.mktemp('whole')
    return _train(_config(folder)), load_file(folder / 'epoch_3.pth')


def test_kill_and_resume(whole, tmp_path):
    cfg = _config(tmp_path)
    with pytest.raises(Killed):
        _train(cfg, kill_at=11)
    cfg.resume = True
    _train(cfg)
    ours, theirs = whole[1], load_file(tmp_path / 'epoch_3.pth')
    for part in ('state_dict', 'ema_state_dict'):
        assert ours[part].keys() == theirs[part].keys()
        for key, value in ours[part].items():
            assert torch.equal(value, theirs[part][key]), key
    rates = [x['companions']['b4m']['seg'] for x in (ours, theirs)]
    assert rates[0]['counts'].sum() > 0
    assert all(torch.equal(rates[0][k], rates[1][k]) for k in rates[0])
    limits = [x['companions']['average']['mask_score_seg']
              for x in (ours, theirs)]
    assert (limits[0]['scores'] > 0).any()
    assert all(torch.equal(limits[0][k], limits[1][k]) for k in limits[0])


def test_the_files_are_those_of_the_plain_model(whole):
    plain = MODELS.build(toy_model())
    assert list(whole[1]['state_dict']) == list(plain.state_dict())
    plain.load_state_dict(whole[1]['state_dict'])
    assert whole[1]['companions'].keys() == {'average', 'b4m', 'm4b'}


def _refused(cfg, message):
    with pytest.raises(ConfigError, match=message):
        _train(cfg)


def test_what_it_lacks_is_said_before_the_first_update(tmp_path):
    cfg = _config(tmp_path / 'ema')
    cfg.custom_hooks = []
    _refused(cfg, 'average` asks the moving average .*EMAHook')
    both = ('det', 'seg')
    cfg = _config(tmp_path / 'both', streams=dict(all=toy_stream(8, both)))
    del cfg.model.companions.average
    _refused(cfg, "no image of `train_dataloader` has the label of 'det' and "
                  "lacks that of 'seg'")
    cfg = _config(tmp_path / 'boxes', streams=dict(
        det=toy_stream(8, ('det', ))))
    del cfg.model.companions.m4b
    _refused(cfg, 'b4m.ranks` is silent .*give .*b4m.rates')
