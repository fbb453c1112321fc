import copy

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from mmmultas.engine.nonfinite import plain_batch
from mmmultas.testing import toy_batch, toy_config, toy_model
from mmmultas.utils.errors import ConfigError, TrainingError
from mmmultas.utils.launch import build_runner


class Killed(BaseException):
    """No handler of ours may catch it."""


def _runner(work_dir, bad=(), stream='det', kill_at=None, resume=False,
            accumulate=1, sequential=False, **train_cfg):
    """A run in which a stream's images are NaN in some updates."""
    cfg = toy_config(work_dir, epochs=2,
                     model=toy_model(sequential=sequential), **train_cfg)
    cfg.default_hooks.checkpoint.interval_iters = 2
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1)
    cfg.optim_wrapper.accumulative_counts = accumulate
    cfg.resume = resume
    runner = build_runner(cfg)
    runner.states = []
    loss = runner.model.loss

    def broken(inputs, samples):
        if runner.iter in bad and stream in inputs:
            inputs = dict(inputs)
            inputs[stream] = inputs[stream] * float('nan')
        return loss(inputs, samples)

    call = runner.call_hook

    def spy(name, **kwargs):
        if name == 'before_train_iter':
            runner.states.append(_state(runner))
            if runner.iter == kill_at:
                raise Killed
        call(name, **kwargs)

    runner.model.loss, runner.call_hook = broken, spy
    return runner


def _state(runner):
    momentum = runner.optim_wrapper.optimizer.state_dict()['state']
    return copy.deepcopy((dict(runner.model.state_dict()), {
        k: v['momentum_buffer'] for k, v in momentum.items()
    }))


def _same(a, b):
    return all(x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x)
               for x, y in zip(a, b))


@pytest.mark.parametrize('sequential', [False, True])
def test_stops_before_the_step(tmp_path, sequential):
    runner = _runner(tmp_path, bad={3}, sequential=sequential)
    with pytest.raises(TrainingError) as error:
        runner.train()
    text, path = str(error.value), tmp_path / 'nonfinite_update_4.pth'
    kept = torch.load(path, weights_only=True)
    names = [s['img_path'] for s in kept['streams']['det']['samples']]
    for part in ('update 4 (epoch 1)', "det.loss_cls=nan (task 'det')",
                 f'{max(kept["lr"]["lr"]):g}', ', '.join(names), str(path),
                 'skip_nonfinite', '--resume'):
        assert part in text, (part, text)
    assert 'seg.loss_ce' not in text
    # weights and momentum are those that the update began with
    state = _state(runner)
    names = dict(runner.model.named_parameters())
    before = runner.states[-1]
    assert all(torch.equal(before[0][k], state[0][k]) for k in names)
    assert _same(before[1:], state[1:])
    assert not list(tmp_path.glob('.*.part'))


def test_what_is_kept_of_the_batch(tmp_path):
    runner = _runner(tmp_path, bad={0}, stream='seg')
    with pytest.raises(TrainingError, match='seg.loss_ce=nan'):
        runner.train()
    kept = torch.load(tmp_path / 'nonfinite_update_1.pth', weights_only=True)
    assert (kept['update'], kept['epoch'], kept['seed']) == (1, 1, 3)
    assert np.isnan(kept['losses']['seg.loss_ce'])
    assert np.isfinite(kept['losses']['det.loss_cls'])
    seg = kept['streams']['seg']
    assert seg['inputs'][0].dtype == torch.uint8
    assert seg['inputs'][0].shape == (3, 64, 64)
    assert seg['samples'][0]['tasks'] == ['seg']
    assert seg['samples'][0]['gt_sem_seg']['sem_seg'].shape == (1, 64, 64)
    det = kept['streams']['det']['samples'][0]['gt_instances']
    assert det['bboxes'].shape == (len(det['labels']), 4)


def test_leaves_out_as_many_as_allowed(tmp_path):
    runner = _runner(tmp_path, bad={0, 4, 9}, skip_nonfinite=2)
    with pytest.raises(TrainingError, match='The 2 updates .* are used up'):
        runner.train()
    assert runner.message_hub.get_info('skipped_updates') == 2
    states = runner.states
    assert _same(states[0], states[1]) and _same(states[4], states[5])
    assert not _same(states[5], states[6])
    for value in states[9][0].values():
        assert torch.isfinite(value).all()
    assert not (tmp_path / 'nonfinite_update_5.pth').exists()


def test_sequential_gradients_are_dropped_too(tmp_path):
    # the first stream has been propagated when the second one fails
    runner = _runner(tmp_path, bad={4}, stream='seg', sequential=True,
                     skip_nonfinite=1)
    runner.train()
    assert _same(runner.states[4], runner.states[5])
    states = runner.states
    alone = _runner(tmp_path / 'joint', bad={4}, stream='seg',
                    skip_nonfinite=1)
    alone.train()
    for key, value in states[6][0].items():
        torch.testing.assert_close(value, alone.states[6][0][key])


def test_the_count_survives_resume(tmp_path):
    kwargs = dict(bad={1, 7}, skip_nonfinite=1)
    with pytest.raises(Killed):
        _runner(tmp_path, kill_at=5, **kwargs).train()
    again = _runner(tmp_path, resume=True, **kwargs)
    with pytest.raises(TrainingError, match='update 8 .* used up'):
        again.train()
    fresh = _runner(tmp_path / 'new', bad={7}, skip_nonfinite=1)
    fresh.train()
    assert fresh.message_hub.get_info('skipped_updates') == 1


def test_spoilt_weights_are_not_skipped(tmp_path):
    """An infinite gradient of a finite loss, say, made an infinite step."""
    runner = _runner(tmp_path, skip_nonfinite=9)
    loss = runner.model.loss

    def spoil(inputs, samples):
        if runner.iter == 3:
            weight = next(runner.model.heads['seg'].parameters())
            weight.data[0, 0, 0, 0] = float('inf')
        return loss(inputs, samples)

    runner.model.loss = spoil
    with pytest.raises(TrainingError, match='update 4 .*seg.*spoilt them'):
        runner.train()
    assert runner.message_hub.get_info('skipped_updates') == 0


def test_a_full_disk_hides_nothing(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    runner = _runner(tmp_path, bad={0})
    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(TrainingError, match='det.loss_cls=nan.*No space'):
        runner.train()


@pytest.mark.parametrize('value', [-1, True, 0.5, 'all'])
def test_refused_numbers(tmp_path, value):
    with pytest.raises(ConfigError, match='skip_nonfinite'):
        _runner(tmp_path, skip_nonfinite=value).train()


def test_accumulation_cannot_be_skipped_in_part(tmp_path):
    with pytest.raises(ConfigError, match='accumulative_counts=2'):
        _runner(tmp_path, accumulate=2, skip_nonfinite=1).train()
    with pytest.raises(TrainingError, match='update 4 '):
        _runner(tmp_path, accumulate=2, bad={3}).train()


def test_plain_batches_load_without_our_classes(tmp_path):
    batch = toy_batch(count=2)
    batch['data_samples'][0].set_metainfo(
        dict(scale=np.float32(0.5), flip=np.bool_(True), path=tmp_path))
    torch.save(plain_batch(dict(a=batch)), tmp_path / 'x.pth')
    kept = torch.load(tmp_path / 'x.pth', weights_only=True)['a']['samples']
    assert kept[0]['scale'] == 0.5 and kept[0]['flip'] is True
    assert kept[0]['path'] == str(tmp_path)
    sample = batch['data_samples'][0]
    assert isinstance(sample, DetDataSample)
    assert torch.equal(kept[0]['gt_instances']['bboxes'],
                       sample.gt_instances.bboxes)
