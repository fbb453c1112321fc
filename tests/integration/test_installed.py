"""An installed package does what a clone does, away from every clone."""
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from mmmultas.testing import ShapeFolder

ROOT = Path(__file__).resolve().parents[2]
#: What a package is built of.
SOURCES = ('mmmultas', 'configs', 'tools', 'matrices', 'requirements',
           'model-index.yml', 'pyproject.toml', 'setup.cfg', 'MANIFEST.in',
           'README.md', 'LICENSE', 'CHANGELOG.md')
SMALL = ('train_cfg.max_epochs=1', 'train_cfg.epoch_length=5',
         'train_dataloader.det.batch_size=2',
         'train_dataloader.seg.batch_size=2')


def build(kind, source, out):
    """A wheel or an sdist, without an index."""
    code = (f'from setuptools import build_meta as b; '
            f'print(b.build_{kind}({str(out)!r}))')
    done = subprocess.run([sys.executable, '-c', code], cwd=source,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return out / done.stdout.split()[-1]


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The wheel of the working tree."""
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(
                path, source / name, symlinks=True,
                ignore=shutil.ignore_patterns('__pycache__'))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(path, source / name)
    sdist = build('sdist', source, folder)
    with tarfile.open(sdist) as file:
        file.extractall(folder, filter='data')
    # by way of the sdist: what is missing there is missing in the wheel
    return build('wheel', folder / sdist.name.removesuffix('.tar.gz'), folder)


@pytest.fixture(scope='module')
def installed(wheel):
    """A folder with the installed package, beside nothing of ours."""
    folder = wheel.parent / 'site'
    subprocess.run(
        [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps',
         '--no-index', '--target', folder, wheel], check=True,
        env=dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK='1'))
    return folder


def runner(python, folder, cwd):
    """``mmmultas`` in a folder, with this package on the path."""

    def run(*args, code=0):
        env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore')
        env.pop('PYTHONPATH', None)
        if folder is not None:
            env['PYTHONPATH'] = str(folder)
        done = subprocess.run(
            [python, '-m', 'mmmultas', *map(str, args)], cwd=cwd, env=env,
            capture_output=True, text=True)
        said = done.stdout[-3000:] + done.stderr[-3000:]
        assert done.returncode == code, said
        assert str(ROOT) not in said, said
        return done

    return run


def test_the_wheel_has_what_a_clone_has(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    inside = {name.removeprefix('mmmultas/.mim/') for name in names
              if name.startswith('mmmultas/.mim/')}
    want = {'model-index.yml'}
    for pattern in ('configs/**/*.py', 'configs/*/metafile.yml',
                    'matrices/*.yaml', 'tools/**/*.py', 'tools/*.sh'):
        want |= {path.relative_to(ROOT).as_posix()
                 for path in ROOT.glob(pattern)}
    assert inside == want
    assert 'mmmultas/py.typed' in names
    assert not [name for name in names if name.startswith('tests')]
    # text beside the code, a good part of it configs; no data, no pictures
    assert wheel.stat().st_size < 1_200_000


def test_commands_and_configs_work_without_a_clone(installed, tmp_path):
    run = runner(sys.executable, installed, tmp_path)
    assert 'new-project' in run('--help').stdout
    here = run('print-config', 'configs/multas/rn18_fpn_mtl.py')
    assert 'is not here: taking the one that comes with' in here.stderr
    assert "type='mmmultas.MultiTaskDetSeg'" in here.stdout


def whole_way(run, folder):
    """New project, training, test, prediction, matrix, report."""
    assert 'mmmultas: 0.' in run('collect-env').stdout
    plan = run('run-matrix', 'matrices/voc-mini.yaml', '--dry-run').stdout
    assert 'mtl_half-det' in plan
    boxes = ShapeFolder(folder / 'boxes', 12)
    boxes.write_xml()
    masks = ShapeFolder(folder / 'masks', 12, prefix='m', first=30)
    masks.write_masks()
    done = run('new-project', '--det', boxes.root / 'xml', '--det-images',
               boxes.root / 'images', '--seg', masks.root / 'masks',
               '--seg-images', masks.root / 'images', '--model',
               'efflite0_fpn', '--out', 'my.py')
    assert done.stdout.splitlines()[-1] == 'mmmultas train my.py'
    assert "'mmmultas::_base_/models/efflite0_fpn.py'" in (
        folder / 'my.py').read_text()
    run('train', 'my.py', '--cfg-options', *SMALL,
        'model.backbone.init_cfg=None')
    assert (folder / 'work_dirs/my/epoch_1.pth').is_file()
    run('test', 'my.py', 'work_dirs/my', '--out', 'boxes.json')
    scores = json.loads((folder / 'boxes.json').read_text())['metrics']
    assert {'det/mAP', 'seg/mIoU'} <= set(scores)
    run('predict', 'work_dirs/my', boxes.root / 'images', '--out-dir', 'found')
    found = json.loads((folder / 'found/predictions.json').read_text())
    assert len(found['images']) == 12
    options = dict(option.split('=') for option in SMALL)
    lines = [f'  {key}: {value}' for key, value in options.items()]
    (folder / 'table.yaml').write_text('\n'.join([
        'cells: {mtl: my.py}', 'options:', *lines,
        '  model.backbone.init_cfg: null']))
    run('run-matrix', 'table.yaml', '--results', 'results')
    assert (folder / 'results/mtl_seed0.json').is_file()
    run('report', 'work_dirs/table', '--out', 'page', '--no-cam')
    assert (folder / 'page/index.html').is_file()


@pytest.mark.fresh
def test_the_whole_way_in_an_environment_of_its_own(wheel, tmp_path):
    """Made by pip alone, where there is no compiler."""
    venv = tmp_path / 'venv'
    subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
    env = dict(os.environ, CC='/bin/false', CXX='/bin/false')
    env.pop('PYTHONPATH', None)
    index = os.environ.get('TORCH_INDEX')
    for what in ([f'torch=={torch.__version__.split("+")[0]}',
                  *(['--index-url', index] if index else [])],
                 [f'{wheel}[onedl]']):
        subprocess.run(
            [venv / 'bin/python', '-m', 'pip', 'install', '--quiet',
             '--constraint', ROOT / 'requirements/constraints.txt',
             *os.environ.get('PIP_ARGS', '').split(), *what],
            check=True, env=env)
    folder = tmp_path / 'work'
    folder.mkdir()
    run = runner(venv / 'bin/python', None, folder)
    said = run('collect-env').stdout
    assert ', installed' in said and 'Operators of mmcv: NumPy' in said
    done = subprocess.run([venv / 'bin/mmmultas', '--version'], check=True,
                          cwd=folder, capture_output=True, text=True)
    assert done.stdout.startswith('mmmultas 0.')
    whole_way(run, folder)


@pytest.mark.slow
def test_the_whole_way_without_a_clone(installed, tmp_path):
    whole_way(runner(sys.executable, installed, tmp_path), tmp_path)
