"""Runs in which tasks teach each other: resumption, files, inference."""
import pytest
import torch

from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_stream
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner

WIDTHS = (4, 4, 8, 8, 8)
FILM = 'companions.xtc.mapping.film'


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may catch it."""


def _model(**companions):
    head = dict(type='mmmultas.SegNetHead', in_channels=4)
    return dict(
        type='mmmultas.MultiTaskDetSeg',
        backbone=dict(type='mmmultas.SegNetEncoder', widths=WIDTHS),
        neck=dict(type='mmmultas.SegNetDecoder', widths=WIDTHS),
        heads=dict(seg=dict(head, num_classes=3), depth=head, normals=head),
        companions=companions)


def _xtc(**cfg):
    return dict(type='mmmultas.CrossTaskConsistency', num_pairs=1,
                mapping=dict(type='mmmultas.SegNetMapping', widths=WIDTHS),
                **cfg)


def _config(work_dir, epochs=2, second_view=True, tasks=None, **cfg):
    stream = toy_stream(6, tasks or [('seg', ), ('depth', ), ('normals', )],
                        batch_size=3)
    stream['dataset'].update(second_view=second_view)
    made = toy_config(work_dir, dict(a=stream), epochs,
                      _model(xtc=_xtc(**cfg)))
    made.optim_wrapper = dict(
        type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3),
        paramwise_cfg=dict(custom_keys={FILM: dict(lr_mult=10.)}))
    made.param_scheduler = [
        dict(type='mmmultas.PartStepLR', step_size=1, parts=FILM)]
    made.custom_hooks = []
    made.default_hooks.checkpoint.interval_iters = 1
    made.val_dataloader = made.val_evaluator = made.val_cfg = None
    return made


def _train(cfg, kill_at=None):
    runner = build_runner(cfg)
    step = runner.model.train_step

    def train_step(*args, **kwargs):
        if runner.iter == kill_at:
            raise Killed
        return step(*args, **kwargs)

    runner.model.train_step = train_step
    runner.train()
    return runner


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A run without a break."""
    folder = tmp_path_factory.mktemp('whole')
    return _train(_config(folder)), load_file(folder / 'epoch_2.pth')


def test_kill_and_resume(whole, tmp_path):
    cfg = _config(tmp_path)
    with pytest.raises(Killed):
        _train(cfg, kill_at=3)
    cfg.resume = True
    _train(cfg)
    ours, theirs = whole[1], load_file(tmp_path / 'epoch_2.pth')
    for a, b in ((ours['state_dict'], theirs['state_dict']),
                 (ours['companions']['xtc'], theirs['companions']['xtc'])):
        assert a.keys() == b.keys() and len(a)
        assert all(torch.equal(a[k], b[k]) for k in a)


def test_film_has_a_learning_rate_of_its_own(whole):
    optim = whole[0].optim_wrapper
    film = {id(p) for n, p in whole[0].model.named_parameters()
            if n.startswith(FILM)}
    rates = [group['lr'] for group in optim.param_groups
             for p in group['params'] if id(p) in film]
    others = {group['lr'] for group in optim.param_groups
              for p in group['params'] if id(p) not in film}
    # halved after the first epoch; nothing follows the second
    assert rates == pytest.approx([1e-2 / 2] * 26)
    assert others == {1e-3}


def test_the_file_is_that_of_the_plain_network(whole):
    plain = MODELS.build(_model())
    assert list(whole[1]['state_dict']) == list(plain.state_dict())
    plain.load_state_dict(whole[1]['state_dict'])


def test_what_does_not_fit_is_said_before_the_first_update(tmp_path):
    def refused(message, **cfg):
        with pytest.raises(ConfigError, match=message):
            _train(_config(tmp_path / str(len(message)), 1, **cfg))

    refused('makes none: place .*SecondView', second_view=False)
    refused('none lacks one: set `model.companions.xtc.full=True`',
            tasks=[('seg', 'depth', 'normals')])
    refused('lacks that of another one', tasks=[()])
