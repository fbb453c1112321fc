"""Checkpoints whoever wrote them: stock hooks, schedules, stock runners."""
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmmultas.testing import toy_config
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.launch import build_runner

ONE_CYCLE = dict(type='OneCycleLR', eta_max=0.05, total_steps=18,
                 by_epoch=False)


def _train(folder, resume=False, stock=None, **changed):
    cfg = toy_config(folder, epochs=3)
    if stock:
        cfg.default_hooks.checkpoint = stock
    cfg.merge_from_dict(changed)
    cfg.resume = bool(resume)
    cfg.load_from = resume if isinstance(resume, str) else None
    runner = build_runner(cfg)
    runner.train()
    return runner


def _weights(runner):
    return runner.model.state_dict()


def _equal(one, other):
    assert all(torch.equal(value, _weights(other)[key])
               for key, value in _weights(one).items())


@pytest.mark.parametrize('part', ['schedule', 'hook'])
def test_a_run_with_stock_parts_resumes_exactly(tmp_path, part):
    changed = dict(param_scheduler=[ONE_CYCLE]) if part == 'schedule' else {}
    stock = part == 'hook' and dict(
        type='mmengine.CheckpointHook', interval=1, save_best='det/mAP',
        rule='greater')
    whole = _train(tmp_path / 'whole', stock=stock, **changed)
    second = tmp_path / 'whole/epoch_2.pth'
    assert load_file(second)['meta']['epoch'] == 2
    again = _train(tmp_path / 'again', str(second), stock, **changed)
    _equal(whole, again)


class Line(BaseModel):
    """A model of somebody else."""

    def __init__(self):
        super().__init__()
        self.bbox_head = torch.nn.Linear(1, 1)

    def forward(self, x, mode):
        return dict(loss=self.bbox_head(torch.stack(x)).sum())


def test_checkpoints_of_a_stock_runner_can_be_read(tmp_path):
    Runner(
        Line(),
        str(tmp_path),
        train_dataloader=dict(
            dataset=[dict(x=torch.ones(1))] * 4,
            batch_size=2,
            sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        param_scheduler=[dict(ONE_CYCLE, total_steps=2)],
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        experiment_name=f'stock_{tmp_path.name}').train()
    with pytest.raises(Exception, match='Weights only load failed'):
        torch.load(Path(tmp_path) / 'epoch_1.pth', weights_only=True)
    saved = load_file(tmp_path / 'epoch_1.pth')
    assert saved['state_dict']['bbox_head.weight'].shape == (1, 1)
    [schedule] = saved['param_schedulers']
    assert schedule['total_steps'] == 2 and 'anneal_func' not in schedule


def test_a_epoch_validated_is_not_validated_again(tmp_path):
    """From the best checkpoint, which is written behind the validation."""
    plateau = [dict(type='ReduceOnPlateauLR', monitor='det/mAP',
                    rule='greater', patience=0, factor=.5, min_value=0)]
    whole = _train(tmp_path / 'whole', param_scheduler=plateau)
    for path in (tmp_path / 'whole').glob('best_*.pth'):
        again = _train(tmp_path / path.stem, resume=str(path),
                       param_scheduler=plateau)
        _equal(whole, again)
        states = [r.param_schedulers[0].state_dict() for r in (whole, again)]
        assert states[0] == states[1]
    history = [r.message_hub.get_info('selection_history')
               for r in (whole, again)]
    assert history[0] == history[1]
