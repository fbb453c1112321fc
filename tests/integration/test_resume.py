"""A run that was cut off ends as one that was not, to the bit."""
from pathlib import Path

import pytest
import torch

from mmmultas.testing import toy_config, toy_model, toy_stream
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may catch it."""


def _train(work_dir, kill_at=None, kill_in_val=False, **kwargs):
    workers = kwargs.pop('workers', 0)
    resume = kwargs.pop('resume', False)
    seed = kwargs.pop('seed', 3)
    accumulate = kwargs.pop('accumulate', 1)
    amp = kwargs.pop('amp', False)
    cfg = toy_config(
        work_dir, epochs=3, model=toy_model(dropout=0.2), **kwargs)
    for stream in cfg.train_dataloader.values():
        stream.num_workers = workers
    cfg.default_hooks.checkpoint.interval_iters = 2
    cfg.resume = resume
    cfg.randomness.seed = seed
    cfg.optim_wrapper.accumulative_counts = accumulate
    if amp:
        cfg.optim_wrapper.update(
            type='mmmultas.BFloat16OptimWrapper', force=True)
    runner = build_runner(cfg)
    step = runner.model.train_step

    def train_step(*args, **kw):
        if runner.iter == kill_at:
            raise Killed
        return step(*args, **kw)

    if kill_at is not None:
        runner.model.train_step = train_step
    if kill_in_val:
        val_step = runner.model.val_step

        def killed(data):
            if runner.iter:  # not in the rehearsal before the first update
                raise Killed
            return val_step(data)

        runner.model.val_step = killed
    runner.train()
    return runner


def _final(work_dir):
    path = max(
        Path(work_dir).glob('epoch_*.pth'),
        key=lambda p: int(p.stem.split('_')[1]))
    return load_file(path)


def _same(a, b):
    assert a['meta']['iter'] == b['meta']['iter']
    for part in ('state_dict', 'ema_state_dict'):
        assert a[part].keys() == b[part].keys()
        for key in a[part]:
            assert torch.equal(a[part][key], b[part][key]), (part, key)
    momenta = [x['optimizer']['state'] for x in (a, b)]
    for key in momenta[0]:
        assert torch.equal(momenta[0][key]['momentum_buffer'],
                           momenta[1][key]['momentum_buffer'])


@pytest.mark.parametrize('alternate', ['iteration', 'epoch'])
@pytest.mark.parametrize('kill_at', [3, 7, 11])
def test_kill_and_resume(tmp_path, alternate, kill_at):
    _train(tmp_path / 'whole', alternate=alternate)
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_at=kill_at, alternate=alternate)
    _train(tmp_path / 'cut', resume=True, alternate=alternate)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))


def test_resume_with_another_number_of_workers(tmp_path):
    _train(tmp_path / 'whole')
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_at=9, workers=1)
    _train(tmp_path / 'cut', resume=True, workers=2)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))


def test_mixed_precision_resumes_exactly(tmp_path):
    _train(tmp_path / 'whole', amp=True)
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_at=7, amp=True)
    _train(tmp_path / 'cut', resume=True, amp=True)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))
    _train(tmp_path / 'full')
    full, amp = (_final(tmp_path / x)['state_dict'] for x in ('full', 'whole'))
    assert any(not torch.equal(full[key], amp[key]) for key in full)


def test_kill_in_validation_is_made_up_for(tmp_path):
    whole = _train(tmp_path / 'whole')
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_in_val=True)
    again = _train(tmp_path / 'cut', resume=True)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))
    history = [
        r.message_hub.get_info('selection_history') for r in (whole, again)
    ]
    assert history[0] == history[1]
    assert sorted(history[0]) == [1, 2, 3]


def test_accumulation_saves_only_whole_updates(tmp_path):
    def run(work_dir, **kwargs):
        cfg = toy_config(work_dir, epochs=2, **kwargs)
        cfg.optim_wrapper.accumulative_counts = 3
        cfg.default_hooks.checkpoint.interval_iters = 2
        build_runner(cfg).train()

    run(tmp_path)
    names = {p.name for p in tmp_path.glob('*_*.pth')}
    # an update is whole after 3, 6, 9 and 12 steps
    assert names >= {'iter_3.pth', 'epoch_1.pth', 'iter_9.pth'}
    assert not names & {'iter_2.pth', 'iter_4.pth', 'iter_8.pth'}


def test_half_an_accumulation_at_the_end_of_an_epoch_is_refused(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.optim_wrapper.accumulative_counts = 4
    with pytest.raises(ConfigError, match='accumulative_counts=4'):
        build_runner(cfg).train()


def test_accumulated_runs_resume_exactly(tmp_path):
    kwargs = dict(epoch_length=8, accumulate=4)
    _train(tmp_path / 'whole', **kwargs)
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_at=14, **kwargs)
    _train(tmp_path / 'cut', resume=True, **kwargs)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))


def test_the_seed_of_the_checkpoint_counts(tmp_path):
    _train(tmp_path / 'whole')
    with pytest.raises(Killed):
        _train(tmp_path / 'cut', kill_at=9)
    _train(tmp_path / 'cut', resume=True, seed=None)
    _same(_final(tmp_path / 'whole'), _final(tmp_path / 'cut'))


def test_another_epoch_length_is_refused(tmp_path):
    with pytest.raises(Killed):
        _train(tmp_path, kill_at=9)
    cfg = toy_config(
        tmp_path,
        streams=dict(
            det=toy_stream(12, ('det', ), batch_size=6),
            seg=toy_stream(8, ('seg', ), batch_size=4)),
        model=toy_model(dropout=0.2))
    cfg.resume = True
    with pytest.raises(ConfigError, match=r"'updates_per_epoch': \[2\]"):
        build_runner(cfg).train()


def test_auxiliary_heads_resume(tmp_path):
    weights = []
    for name, start in (('whole', None), ('again', 'whole/epoch_1.pth')):
        cfg = toy_config(tmp_path / name, epochs=2)
        cfg.model.heads.seg.auxiliary = dict(
            type='mmmultas.PanopticFPNSegHead', in_channels=8, channels=4,
            num_levels=2, num_refine_convs=0)
        if start:
            cfg.resume, cfg.load_from = True, str(tmp_path / start)
        runner = build_runner(cfg)
        runner.train()
        weights.append(runner.model.state_dict())
    assert any('auxiliary' in key for key in weights[0])
    assert all(torch.equal(value, weights[1][key])
               for key, value in weights[0].items())
