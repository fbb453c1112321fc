"""A disk that is full: one sentence, and all older files are whole."""
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from mmmultas.testing import toy_config
from mmmultas.utils.checkpoint import load_file
from mmmultas.utils.errors import CheckpointError
from mmmultas.utils.launch import build_runner

ROOT = Path(__file__).resolve().parents[2]


def _runner(work_dir, epochs=2, **kwargs):
    cfg = toy_config(work_dir, epochs=epochs, **kwargs)
    cfg.resume = True
    return build_runner(cfg)


@contextmanager
def _small_files(size):
    """No file of this process grows beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def begun(tmp_path):
    """A run of one epoch, and the bytes of its files."""
    _runner(tmp_path, epochs=1).train()
    paths = [*tmp_path.glob('*.pth'), tmp_path / 'last_checkpoint']
    return tmp_path, {path: path.read_bytes() for path in paths}


def _untouched(begun):
    folder, files = begun
    assert {p: p.read_bytes() for p in files} == files
    assert set(folder.glob('*.pth')) == set(files) - {
        folder / 'last_checkpoint'}
    assert not list(folder.glob('.*'))
    # and the run goes on, once there is room
    _runner(folder).train()
    assert load_file(folder / 'epoch_2.pth')['meta']['epoch'] == 2


def test_the_system_refuses_in_the_middle_of_a_file(begun):
    size = (begun[0] / 'epoch_1.pth').stat().st_size
    with _small_files(size // 2), pytest.raises(
            CheckpointError, match='cannot be written.*too large.*--resume'):
        _runner(begun[0]).train()
    _untouched(begun)


@pytest.mark.parametrize('where', ['torch.save', 'os.fsync', 'os.replace'])
def test_the_system_refuses_somewhere(begun, monkeypatch, where):
    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch, pytest.raises(
            CheckpointError, match='No space left on device'):
        patch.setattr(torch if where == 'torch.save' else os,
                      where.split('.')[1], full)
        _runner(begun[0]).train()
    _untouched(begun)


def test_the_best_model_and_the_pointer(begun, monkeypatch):
    replace = os.replace

    def full(source, target):
        if Path(target).name.startswith(name):
            raise OSError(28, 'No space left on device')
        replace(source, target)

    monkeypatch.setattr(os, 'replace', full)
    for name in ('last_checkpoint', 'best_'):
        for path in begun[0].glob('best_*'):
            path.unlink()
        with pytest.raises(CheckpointError, match=f'{name}.*cannot be writt'):
            _runner(begun[0], epochs=3 if name == 'best_' else 2,
                    val_interval=3).train()
        assert not list(begun[0].glob('.*'))


def _can_mount():
    command = ['unshare', '-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']
    return bool(shutil.which('unshare')) and subprocess.run(
        command, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _can_mount(), reason='may not mount a small disk')
def test_a_small_disk(tmp_path):
    """A file system with room for two checkpoints and a half."""
    _runner(tmp_path / 'one', epochs=1, val_begin=9).train()
    size = (tmp_path / 'one/epoch_1.pth').stat().st_size
    cfg = toy_config(tmp_path / 'disk/work', epochs=9, val_begin=9)
    cfg.custom_imports = dict(imports=['mmmultas.testing'])
    cfg.dump(tmp_path / 'config.py')
    (tmp_path / 'disk').mkdir()
    script = (f'mount -t tmpfs -o size={size * 5 // 2} none disk && '
              f'{sys.executable} {ROOT}/tools/train.py config.py; '
              'code=$?; cp -a disk/work kept; exit $code')
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1',
               PYTHONWARNINGS='ignore')
    done = subprocess.run(['unshare', '-rm', 'sh', '-c', script], env=env,
                          cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr[-3000:]
    assert 'Traceback' not in done.stderr, done.stderr[-3000:]
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith('error: ') and 'No space left on device' in last
    kept = tmp_path / 'kept'
    assert {p.name for p in kept.glob('*.pth')} == {
        'epoch_1.pth', 'epoch_2.pth'}
    assert load_file(kept / 'epoch_2.pth')['meta']['epoch'] == 2
    assert not list(kept.glob('.*'))
    assert (kept / 'last_checkpoint').read_text().endswith('epoch_2.pth')
