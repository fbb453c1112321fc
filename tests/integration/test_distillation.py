"""A distilled run: its files, its resumption, and what it never reads."""
import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

from mmmultas.registry import MODELS
from mmmultas.testing import toy_config, toy_distillation, toy_model
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError
from mmmultas.utils.launch import build_runner

ROOT = Path(__file__).resolve().parents[2]


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may catch it."""


@pytest.fixture(scope='module')
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp('teachers')
    torch.manual_seed(9)
    toy_distillation(folder)
    return folder


def _model(teachers, **kwargs):
    """With dropout and a loss whose weight changes in the run."""
    cfg = toy_distillation(teachers, **kwargs)
    cfg['architecture']['backbone']['dropout'] = 0.2
    losses = cfg['distiller']['distill_losses']
    losses['loss_seg']['schedule'] = dict(end=10, start=0.0)
    return cfg


def _config(teachers, work_dir, resume=False, model=None, **kwargs):
    cfg = toy_config(
        work_dir, epochs=3, model=model or _model(teachers), **kwargs)
    cfg.default_hooks.checkpoint.interval_iters = 2
    cfg.resume = resume
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


def _same(a, b):
    assert a['meta']['iter'] == b['meta']['iter']
    parts = [[x['state_dict'], x['ema_state_dict'],
              x['companions']['teachers']] for x in (a, b)]
    for ours, theirs in zip(*parts):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert torch.equal(ours[key], theirs[key]), key
    momenta = [x['optimizer']['state'] for x in (a, b)]
    assert momenta[0].keys() == momenta[1].keys()
    for key in momenta[0]:
        assert torch.equal(momenta[0][key]['momentum_buffer'],
                           momenta[1][key]['momentum_buffer'])


@pytest.fixture(scope='module')
def whole(teachers, tmp_path_factory):
    """A run without a break."""
    folder = tmp_path_factory.mktemp('whole')
    runner = _train(_config(teachers, folder))
    return runner, folder


@pytest.mark.parametrize('kill_at', [3, 7, 11])
def test_kill_and_resume(teachers, whole, tmp_path, kill_at):
    with pytest.raises(Killed):
        _train(_config(teachers, tmp_path), kill_at)
    _train(_config(teachers, tmp_path, resume=True))
    _same(load_file(whole[1] / 'epoch_3.pth'),
          load_file(tmp_path / 'epoch_3.pth'))


def test_epoch_alternation_resumes_too(teachers, tmp_path):
    for name in ('whole', 'cut'):
        cfg = _config(teachers, tmp_path / name, alternate='epoch')
        if name == 'whole':
            _train(cfg)
            continue
        with pytest.raises(Killed):
            _train(cfg, kill_at=5)
        cfg.resume = True
        _train(cfg)
    _same(*[load_file(tmp_path / name / 'epoch_3.pth')
            for name in ('whole', 'cut')])


def test_everything_learns(teachers, whole):
    runner, folder = whole
    first, last = (load_file(folder / f'epoch_{n}.pth') for n in (1, 3))
    moved = {
        '.'.join(key.split('.')[:2])
        for part in (lambda x: x['state_dict'],
                     lambda x: x['companions']['teachers'])
        for key, value in part(first).items()
        if not torch.equal(value, part(last)[key])
    }
    assert moved >= {'backbone.stem', 'heads.det', 'heads.seg',
                     'connectors.det', 'connectors.seg'}
    for task in ('det', 'seg'):
        member = runner.model.teachers[task].members[0]
        state = load_file(teachers / f'{task}.pth')['state_dict']
        assert all(torch.equal(v, state[k])
                   for k, v in member.state_dict().items())
        assert not any(m.training for m in member.modules())


def test_the_files_are_those_of_the_plain_model(whole):
    runner, folder = whole
    plain = MODELS.build(toy_model())
    for path in folder.glob('*.pth'):
        file = load_file(path)
        assert list(file['state_dict']) == list(plain.state_dict())
        ema = [k.removeprefix('module.') for k in file['ema_state_dict']]
        assert set(ema) == {*plain.state_dict(), 'steps'}
        plain.load_state_dict(file['state_dict'])
    assert {p.name for p in folder.glob('*.pth')} > {'epoch_3.pth'}


def test_ema_holds_neither_connectors_nor_teachers(whole):
    runner, _ = whole
    ema = next(h for h in runner.hooks if hasattr(h, 'ema_model')).ema_model
    assert not [k for k in ema.state_dict()
                if 'companion' in k or 'teacher' in k]
    assert ema.module.teachers is runner.model.teachers
    assert len(list(ema.module.parameters())) == len(
        list(runner.model.parameters()))


def test_the_plain_config_tests_it(whole, tmp_path, monkeypatch):
    runner, folder = whole
    cfg = toy_config(tmp_path / 'work')
    cfg.dump(tmp_path / 'plain.py')
    path = str(folder / 'epoch_3.pth')
    for config in ('plain.py', 'distilled.py'):
        if config == 'distilled.py':
            model = toy_distillation(tmp_path)
            for teacher in model['teachers'].values():
                Path(teacher['checkpoint']).unlink()  # not needed any more
            toy_config(tmp_path / 'work', model=model).dump(
                tmp_path / config)
        monkeypatch.setattr(sys, 'argv', [
            'test.py', str(tmp_path / config), path, '--work-dir',
            str(tmp_path / config[:-3])
        ])
        runpy.run_path(str(ROOT / 'tools/test.py'), run_name='__main__')
    results = [
        json.loads(next((tmp_path / name).rglob('*.json')).read_text())
        for name in ('plain', 'distilled')
    ]
    scores = [{k: v for k, v in result.items() if '/' in k}
              for result in results]
    assert scores[0] == scores[1] and 'det/mAP' in scores[0]


def test_weights_go_both_ways(teachers, whole, tmp_path):
    """load_from: distilled → plain, plain → distilled."""
    _, folder = whole
    cfg = toy_config(tmp_path / 'plain', epochs=1, epoch_length=1)
    cfg.load_from = str(folder / 'epoch_3.pth')
    cfg.optim_wrapper.optimizer.lr = 0.0
    runner = build_runner(cfg)
    runner.train()
    state = load_file(folder / 'epoch_3.pth')['state_dict']
    own = dict(runner.model.named_parameters())
    assert all(torch.equal(v, state[k]) for k, v in own.items())
    cfg = _config(teachers, tmp_path / 'distilled', epoch_length=1)
    cfg.load_from = str(tmp_path / 'plain/epoch_1.pth')
    cfg.optim_wrapper.optimizer.lr = 0.0
    runner = build_runner(cfg)
    runner.train()
    own = dict(runner.model.named_parameters())
    state = load_file(cfg.load_from)['state_dict']
    assert all(torch.equal(v, own[k]) for k, v in state.items() if k in own)


def test_what_cannot_be_resumed(teachers, whole, tmp_path):
    _, folder = whole
    plain = toy_config(tmp_path / 'plain', epochs=1, epoch_length=6)
    build_runner(plain).train()
    cfg = _config(teachers, tmp_path / 'a', resume=True, epoch_length=6)
    cfg.load_from = str(tmp_path / 'plain/epoch_1.pth')
    with pytest.raises(CheckpointError, match='written without companions .*'
                       'and cannot be resumed.*`load_from`'):
        build_runner(cfg).train()
    plain = toy_config(tmp_path / 'b', epochs=9, epoch_length=6)
    plain.resume, plain.load_from = True, str(folder / 'epoch_1.pth')
    with pytest.raises(CheckpointError, match='was written with companions .*'
                       'and cannot be resumed without them.*`load_from`'):
        build_runner(plain).train()


def test_resuming_never_takes_a_teachers_file(teachers, tmp_path):
    """Even if they lie in the work folder, and look like the student's."""
    work = tmp_path / 'work'
    work.mkdir()
    model = _model(work)
    runner = build_runner(_config(work, work, resume=True, model=model))
    assert runner._resume
    _train(_config(work, work, resume=True, model=model))
    assert load_file(work / 'epoch_3.pth')['meta']['iter'] == 18
    # a teacher's file under the name of a checkpoint of this run
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'epoch_1.pth').write_bytes((teachers / 'det.pth').read_bytes())
    with pytest.raises(CheckpointError, match='cannot be resumed.*lacks'):
        _train(_config(teachers, other, resume=True))
