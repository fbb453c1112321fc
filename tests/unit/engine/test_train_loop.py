import pytest
import torch

from mmmultas.testing import toy_config, toy_stream
from mmmultas.utils.errors import ConfigError
from mmmultas.utils.launch import build_runner


def _spy(runner):
    """Record which streams and images every update got."""
    seen = []
    step = runner.model.train_step

    def train_step(data, optim_wrapper):
        seen.append({
            name: [s.metainfo['img_id'] for s in batch['data_samples']]
            for name, batch in data.items()
        })
        return step(data, optim_wrapper=optim_wrapper)

    runner.model.train_step = train_step
    return seen


def test_iteration_alternation(tmp_path):
    runner = build_runner(toy_config(tmp_path, epochs=2))
    seen = _spy(runner)
    runner.train()
    assert len(seen) == 12 and all(set(s) == {'det', 'seg'} for s in seen)
    # the shorter stream restarts reshuffled
    passes = [sum((s['seg'] for s in seen[i:i + 4]), [])
              for i in (0, 4, 8)]
    assert all(sorted(p) == list(range(8)) for p in passes)
    assert len({tuple(p) for p in passes}) == 3


def test_epoch_alternation_leaves_the_other_head_alone(tmp_path):
    cfg = toy_config(tmp_path, epochs=1, alternate='epoch')
    cfg.custom_hooks = []
    runner = build_runner(cfg)
    seen = _spy(runner)
    heads = runner.model.heads
    frozen = {}

    def watch(name, kwargs):
        if name == 'before_train_iter':
            frozen.update({
                k: v.clone()
                for k, v in heads.state_dict().items()
            })
        if name == 'after_train_iter':
            other = 'seg' if 'det' in seen[-1] else 'det'
            for key, value in heads.state_dict().items():
                if key.startswith(other):
                    assert torch.equal(value, frozen[key]), key

    call = runner.call_hook
    runner.call_hook = lambda name, **kw: (watch(name, kw), call(name, **kw))
    runner.train()
    assert [set(s) for s in seen] == [{'det'}] * 6 + [{'seg'}] * 4


def test_full_supervision_is_one_stream(tmp_path):
    streams = dict(full=toy_stream(8, ('det', 'seg')))
    runner = build_runner(toy_config(tmp_path, streams, epochs=1))
    runner.train()
    losses = {
        k
        for k in runner.message_hub.log_scalars
        if k.startswith('train/') and 'loss_' in k
    }
    assert losses == {
        'train/det.loss_cls', 'train/det.loss_bbox', 'train/seg.loss_ce'
    }


def test_epochs_of_the_streams_are_logged(tmp_path):
    runner = build_runner(toy_config(tmp_path, epochs=2))
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert scalars['train/det.epoch'].current() == 2
    assert scalars['train/seg.epoch'].current() == 3


def test_validation_interval(tmp_path):
    cfg = toy_config(tmp_path, epochs=5, val_interval=2, val_begin=3)
    runner = build_runner(cfg)
    runner.train()
    history = runner.message_hub.get_info('selection_history')
    assert sorted(history) == [4, 5]


def test_no_epochs(tmp_path):
    with pytest.raises(ConfigError, match='max_epochs'):
        build_runner(toy_config(tmp_path, epochs=0)).train()


@pytest.mark.parametrize('interval', [0, -1, True])
def test_no_interval(tmp_path, interval):
    cfg = toy_config(tmp_path, val_interval=interval)
    with pytest.raises(ConfigError, match='val_interval` must be at least 1'):
        build_runner(cfg).train()
