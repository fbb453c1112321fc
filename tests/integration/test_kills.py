"""SIGKILL at any moment: the run goes on, and ends as if nothing had been."""
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmmultas.testing.digits import write_digits_voc
from mmmultas.utils.checkpoint import load_file

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/demo/rn18-16_fpn_mtl_digits.py'
UPDATES = 60
#: 20 moments: while a file is written, between updates, in validation.
KILLS = ['write'] * 8 + ['update'] * 7 + ['val'] * 5
OPTIONS = [
    'train_dataloader.det.batch_size=2', 'train_dataloader.seg.batch_size=2',
    'val_dataloader.val.batch_size=1', 'train_cfg.val_interval=1',
    'default_hooks.checkpoint.interval_iters=3',
    'default_hooks.checkpoint.max_keep=3', 'default_hooks.logger.interval=1'
]


class Training:
    """A process of tools/train.py and what can be seen of it from outside."""

    def __init__(self, data, work_dir, log):
        self.work_dir, self.log = work_dir, log
        env = dict(
            os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1',
            CUDA_VISIBLE_DEVICES='', PYTHONWARNINGS='ignore',
            PYTHONUNBUFFERED='1', MMMULTAS_DIGITS=str(data),
            DEMO_UPDATES=str(UPDATES))
        with log.open('w') as out:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / 'tools/train.py'), str(CONFIG),
                 '--resume', '--work-dir', str(work_dir), '--cfg-options',
                 *OPTIONS], env=env, stdout=out, stderr=subprocess.STDOUT)

    def happened(self, kind, count, old):
        """Whether the moment of a kill has come."""
        if kind == 'write':
            names = {p.name for p in self.work_dir.glob('.*.part')} - old
            self.parts |= names
            return len(self.parts) >= count and bool(names)
        word = 'Epoch(train)' if kind == 'update' else 'Epoch(val)'
        return self.log.read_text().count(word) >= count

    def kill(self, kind, count):
        """Kill at the count-th such moment; False if the run ended first."""
        self.parts = set()
        old = {p.name for p in self.work_dir.glob('.*.part')}
        while self.process.poll() is None:
            if self.happened(kind, count, old):
                self.process.send_signal(signal.SIGKILL)
                return self.process.wait() == -signal.SIGKILL
            time.sleep(0.0005 if kind == 'write' else 0.005)
        return False

    def check(self):
        """What it said is no error; all that has a name is whole."""
        said = self.log.read_text()
        assert 'Traceback' not in said and 'error:' not in said, said[-3000:]
        assert 'Trying an older one' not in said
        for path in self.work_dir.glob('*.pth'):
            load_file(path)
        pointer = self.work_dir / 'last_checkpoint'
        if pointer.exists():
            assert Path(pointer.read_text()).is_file()


def _finish(data, work_dir, log):
    training = Training(data, work_dir, log)
    assert training.process.wait(timeout=300) == 0, log.read_text()[-3000:]
    training.check()
    assert not list(work_dir.glob('.*.part'))


def _cpu_seconds():
    """What all finished processes took together."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _leaves(value, path=''):
    if isinstance(value, dict):
        value = value.items()
    elif isinstance(value, (list, tuple)):
        value = enumerate(value)
    else:
        return {path: value}
    return {
        key: leaf for name, part in value
        for key, leaf in _leaves(part, f'{path}/{name}').items()
    }


def _assert_same(whole, cut):
    """Weights, average, momentum, schedules, scores and position."""
    paths = [folder / 'epoch_4.pth' for folder in (whole, cut)]
    first, second = (
        _leaves({k: v for k, v in load_file(path).items() if k != 'meta'})
        for path in paths)
    assert any('momentum_buffer' in key for key in first)
    assert any('ema_state_dict' in key for key in first)
    for key in first.keys() | second.keys():
        if 'message_hub' in key and 'selection_history' not in key:
            continue  # times
        a, b = first.get(key), second.get(key)
        same = torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        assert same, (key, a, b)
    names = [{p.name for p in folder.glob('best_*')}
             for folder in (whole, cut)]
    assert names[0] == names[1]


@pytest.mark.slow
def test_twenty_kills(tmp_path):
    data = tmp_path / 'digits'
    write_digits_voc(data, num_train=96, num_val=12)
    _finish(data, tmp_path / 'whole', tmp_path / 'whole.log')
    rng = random.Random(0)
    kills = KILLS.copy()
    rng.shuffle(kills)
    run, left, number = 0, 0, 0
    while kills:
        work_dir = tmp_path / f'cut{run}'
        number += 1
        training = Training(data, work_dir, tmp_path / f'{number}.log')
        killed = training.kill(kills[-1], rng.randint(1, 5))
        training.check()
        if killed:
            left += bool(list(work_dir.glob('.*.part')))
            kills.pop()
        else:  # it ended, before the kill that is then the next run's first
            assert training.process.returncode == 0
            _assert_same(tmp_path / 'whole', work_dir)
            run += 1
    _finish(data, tmp_path / f'cut{run}', tmp_path / 'last.log')
    _assert_same(tmp_path / 'whole', tmp_path / f'cut{run}')
    # files were really cut
    assert left >= 4, left
    print(f'{number + 2} starts, {run + 1} runs, {left} files cut, '
          f'{_cpu_seconds():.0f} s of one core')
