import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.dataset import BaseDataset
from torch.utils.data import Dataset

from mmmultas.engine.loaders import NamedLoader, loader_args
from mmmultas.engine.streams import Stream, build_eval_loader
from mmmultas.registry import DATASETS
from mmmultas.utils.console import sentence_of
from mmmultas.utils.errors import ConfigError, TrainingError

ROOT = Path(__file__).resolve().parents[3]
ALIVE = """
from mmmultas.engine.streams import Stream
from mmmultas.testing import toy_stream
from mmmultas.utils.console import friendly_errors
from mmmultas.utils.errors import DataError
stream = Stream('det', toy_stream(4, ('det', ), num_workers=1), 0)
next(stream)
with friendly_errors():
    raise DataError('stop here')
"""


@DATASETS.register_module(force=True)
class DyingDataset(Dataset):
    """Its process ends as it is told to."""

    metainfo = dict(tasks=())

    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 4

    def get_data_info(self, index):
        return dict(img_path=f'photos/{index}.jpg')

    def __getitem__(self, index):
        if self.how == 'raises':
            raise IndexError('too far')
        if self.how == 'exits':
            os._exit(3)
        os.kill(os.getpid(), getattr(signal, self.how))


def _fails(how, workers, evaluate=False):
    cfg = dict(
        dataset=dict(type='mmmultas.DyingDataset', how=how), batch_size=1,
        num_workers=workers)
    if evaluate:
        batches = iter(build_eval_loader('val_dataloader', 'all', cfg, 0))
    else:
        stream = Stream('det', cfg, 0)
        batches = stream._batches = iter(stream.loader)
    with pytest.raises(Exception) as error:
        next(batches if evaluate else stream)
    if workers:
        batches._shutdown_workers()  # collecting garbage waits for seconds
    return error.value, sentence_of(error.value)


@pytest.mark.parametrize('how, word', [('SIGKILL', 'Killed'),
                                       ('SIGSEGV', 'Segmentation fault'),
                                       ('exits', 'exited')])
def test_a_dead_worker_names_its_stream(how, word):
    _, sentence = _fails(how, 1)
    assert '`train_dataloader.det`' in sentence and word in sentence
    assert '\n' not in sentence


def test_a_dead_worker_of_evaluation():
    _, sentence = _fails('SIGKILL', 1, evaluate=True)
    assert '`val_dataloader.all`' in sentence


@pytest.mark.parametrize('workers', [0, 1])
def test_an_exception_names_the_file(workers):
    error, sentence = _fails('raises', workers)
    assert isinstance(error, TrainingError)
    assert sentence.startswith('No sample can be made of photos/')
    assert '.jpg (IndexError: too far): mend' in sentence


def test_python_ends_although_its_workers_live():
    """They outlive the one SIGTERM that multiprocessing sends."""
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', ALIVE],
                          env=dict(os.environ, PYTHONPATH=str(ROOT)),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == 'error: stop here'


def test_unknown_keys_and_defaults():
    with pytest.raises(ConfigError, match='num_worker.*batch_size'):
        loader_args('det', dict(num_worker=1), {'batch_size'}, 0)
    args = loader_args('det', dict(prefetch_factor=2), set(), 0)
    assert args['num_workers'] == 0 and 'prefetch_factor' not in args


def test_a_loader_keeps_its_name():
    loader = NamedLoader('x.y', BaseDataset(lazy_init=True), batch_size=1)
    assert loader.key == 'x.y'


@pytest.mark.parametrize('changed, words', [
    (dict(collate_fn=dict(type='default_collate')), "'default_collate'"),
    (dict(batch_sampler=dict(type='AspectRatioBatchSampler')),
     'names a `batch_sampler`'),
    (dict(sampler=dict(type='DefaultSampler', shuffle=True)),
     '`val_dataloader.all.sampler.shuffle` is True'),
    (dict(drop_last=True), '`val_dataloader.all.drop_last` is True'),
])
def test_keys_that_would_change_nothing(changed, words):
    cfg = dict(
        dataset=dict(type='mmmultas.DyingDataset', how='raises'),
        batch_size=1, **changed)
    with pytest.raises(ConfigError, match=words):
        build_eval_loader('val_dataloader', 'all', cfg, 0)


def test_stock_spellings_that_change_nothing_are_taken():
    cfg = dict(
        dataset=dict(type='mmmultas.DyingDataset', how='raises'),
        batch_size=1, collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='DefaultSampler', shuffle=False), drop_last=False,
        persistent_workers=True, num_workers=0)
    loader = build_eval_loader('val_dataloader', 'all', cfg, 0)
    assert not loader.persistent_workers  # there are none
    loader = build_eval_loader(
        'val_dataloader', 'all', dict(cfg, num_workers=1), 0)
    assert loader.persistent_workers
    stream = Stream('x', dict(cfg, num_workers=1), 0)
    assert not stream.loader.persistent_workers
