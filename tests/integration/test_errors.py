"""What a person can get wrong ends in one sentence and a code not 0."""
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from in_process import run_tool

from mmmultas.testing import Devkit, toy_config

ROOT = Path(__file__).resolve().parents[2]

SQUASH = dict(type='mmmultas.Squash', size=64)
TRAIN = [
    dict(type='mmmultas.LoadImage'),
    dict(type='mmmultas.LoadLabels'), SQUASH,
    dict(type='mmmultas.PackInputs')
]
VAL = [
    dict(type='mmmultas.LoadImage'), SQUASH,
    dict(type='mmmultas.LoadLabels'),
    dict(type='mmmultas.PackInputs')
]


def _dataset(root, tasks, pipeline, **kwargs):
    return dict(
        type='mmmultas.VOCDataset',
        data_root=str(root),
        subsets=[dict(root='VOC2012', ids='ids.txt')],
        tasks=tasks,
        pipeline=pipeline,
        **kwargs)


@pytest.fixture
def project(tmp_path):
    """A devkit of four images and a config that trains on it."""
    kit = Devkit(tmp_path / 'VOCdevkit')
    for name in 'abcd':
        kit.add(name)
    kit.ids('abcd')
    cfg = toy_config(tmp_path / 'work', epochs=1)
    cfg.pop('work_dir')
    for task, stream in cfg.train_dataloader.items():
        stream.dataset = _dataset(kit.root, (task, ), TRAIN)
        stream.num_workers = 1
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        loader.val.dataset = _dataset(
            kit.root, ('det', 'seg'), VAL, test_mode=True)
    # four images are all there is
    cfg.train_cfg.allow_overlap = True
    cfg.model.heads.det.num_classes = 20
    cfg.model.heads.seg.num_classes = 21
    cfg.custom_imports = dict(imports=['mmmultas.testing'])
    kit.config = tmp_path / 'config.py'
    cfg.dump(kit.config)
    kit.work = tmp_path / 'work'
    return kit


def _run(tool, *args):
    env = dict(
        os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1',
        PYTHONWARNINGS='ignore')
    env.pop('MMMULTAS_TRACEBACK', None)
    return subprocess.run(
        [sys.executable, str(ROOT / f'tools/{tool}.py'), *map(str, args)],
        env=env,
        capture_output=True,
        text=True,
        timeout=300)


def _fails(tool, *args):
    """The one sentence that the tool ends with."""
    done = run_tool(tool, *args)
    assert done.returncode not in (0, None), done.stdout[-3000:]
    assert 'Traceback' not in done.stderr + done.stdout, done.stderr[-3000:]
    errors = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert len(errors) == 1, done.stderr[-3000:]
    assert done.stderr.rstrip().splitlines()[-1] == errors[0]
    return errors[0]


def _train(project, *options):
    args = ['--cfg-options', *options] if options else []
    return _fails('train', project.config, '--work-dir', project.work, *args)


def test_the_project_itself_is_sound(project, tmp_path):
    """Train, then test with everything that a test can write."""
    done = _run('train', project.config, '--work-dir', project.work)
    assert done.returncode == 0, done.stderr[-3000:]
    weights = project.work / 'epoch_1.pth'
    done = _run('test', project.config, weights, '--work-dir', project.work,
                '--out', tmp_path / 'boxes.json', '--seg-out',
                tmp_path / 'masks', '--show-dir', tmp_path / 'show')
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / 'boxes.json').is_file()
    for folder in ('masks', 'show'):
        assert len(list((tmp_path / folder).glob('*.png'))) == 4
    cut = tmp_path / 'cut.pth'
    cut.write_bytes(weights.read_bytes()[:5000])
    assert 'cut.pth is truncated' in _fails('test', project.config, cut)
    other = _fails('test', project.config, weights, '--cfg-options',
                   'model.heads.seg.channels=4')
    assert 'epoch_1.pth does not fit this model' in other
    done = _fails('test', project.config, weights, '--task', 'depth')
    assert "--task 'depth'" in done
    assert 'cut.pth is truncated' in _fails(
        'train', project.config, '--work-dir', tmp_path / 'new', '--resume',
        cut)


def test_missing_config_and_checkpoint(project):
    assert 'nowhere.py does not exist' in _fails('train', 'nowhere.py')
    assert 'no.pth does not exist' in _fails('test', project.config, 'no.pth')


def test_missing_data_root(project):
    key = 'train_dataloader.det.dataset.data_root'
    assert 'data root /no/where' in _train(project, f'{key}=/no/where')


@pytest.mark.parametrize('option, sentence', [
    ('model.heads.det.type=mmmultas.MultiLevelAnchorHed', 'model.heads.det'),
    ('model.heads.smell.type=x', "unknown kind 'smell'"),
    ('train_dataloader.det.batch_size=1', 'batch_size'),
])
def test_config_mistakes(project, option, sentence):
    assert sentence in _train(project, option)


@pytest.mark.skipif(torch.cuda.is_available(), reason='has an accelerator')
def test_mixed_precision_in_float16_on_a_cpu(project):
    options = ('optim_wrapper.type=AmpOptimWrapper',
               'optim_wrapper.dtype=float16')
    assert '`optim_wrapper.dtype` is float16' in _train(project, *options)


def test_unknown_class_in_an_xml(project):
    project.xml('b', [('unicorn', (1, 1, 20, 20))])
    sentence = _train(project)
    assert 'b.xml' in sentence and 'unicorn' in sentence


@pytest.mark.parametrize('values, word', [
    (np.zeros((30, 60)), '30'),
    (np.full((40, 60), 77), '77'),
])
def test_masks_that_cannot_be(project, values, word):
    project.mask('c', values)
    sentence = _train(project)
    assert 'c.png' in sentence and word in sentence


def test_truncated_image(project):
    path = project.path('VOC2012/JPEGImages/d.jpg')
    path.write_bytes(path.read_bytes()[:-200])
    sentence = _train(project)
    assert 'd.jpg' in sentence and 'truncated' in sentence
