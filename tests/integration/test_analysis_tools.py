"""The analysis tools from the command line."""
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from mmengine.config import Config

from mmmultas.testing import toy_config

ROOT = Path(__file__).resolve().parents[2]


def tool(name, *arguments):
    return subprocess.run(
        [sys.executable, ROOT / f'tools/analysis_tools/{name}.py',
         *map(str, arguments)], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def config(tmp_path):
    cfg = toy_config(tmp_path)
    cfg.custom_imports = dict(imports=['mmmultas.testing'])
    cfg.img_size = 64
    path = tmp_path / 'toy.py'
    cfg.dump(str(path))
    return path


def test_printed_config_is_a_config(config, tmp_path):
    saved = tmp_path / 'saved.py'
    done = tool('print_config', config, '--save-path', saved,
                '--cfg-options', 'train_cfg.max_epochs=7')
    assert done.returncode == 0, done.stderr
    printed = tmp_path / 'printed.py'
    printed.write_text(done.stdout)
    for path in (saved, printed):
        cfg = Config.fromfile(path)
        assert cfg.train_cfg.max_epochs == 7
        assert set(cfg.train_dataloader) == {'det', 'seg'}


def test_cost_at_a_given_size(config):
    done = tool('get_flops', config, '--shape', 128, 64)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith('one image of 128 x 64 pixels')
    assert [line.split()[0] for line in lines[3:]] == [
        'backbone', 'neck', 'det', 'seg', 'total']


@pytest.mark.slow
def test_cost_at_the_size_of_the_config(config):
    assert '64 x 64 pixels' in tool('get_flops', config).stdout


def test_sheets_of_pictures(config, tmp_path):
    done = tool('browse_dataset', config, '--out-dir', tmp_path / 'sheets',
                '--streams', 'seg', '--number', 2)
    assert done.returncode == 0, done.stderr
    [sheet] = (tmp_path / 'sheets').iterdir()
    assert str(sheet) in done.stdout
    assert cv2.imread(str(sheet)).shape[1] == 2 * 320 + 8


@pytest.mark.parametrize('name', [
    'print_config',
    pytest.param('get_flops', marks=pytest.mark.slow),
    pytest.param('browse_dataset', marks=pytest.mark.slow)])
def test_missing_config_is_one_sentence(name):
    done = tool(name, 'configs/none.py')
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        'error: Config configs/none.py does not exist: check the path.')
    assert 'Traceback' not in done.stderr
