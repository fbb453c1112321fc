"""A matrix of real trainings, interrupted by Ctrl-C and gone on with."""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmmultas.testing import toy_config, toy_model
from mmmultas.utils.checkpoint import load_file

ROOT = Path(__file__).resolve().parents[2]
MATRIX = """
seeds: [1]
checkpoint: last
metrics: [det/mAP, seg/mIoU]
cells:
  tuned: {config: configs/det.py, checkpoints: {load_from: both}}
  both: configs/both.py
"""


def _configs(folder):
    for name, model in (('both', toy_model()), ('det', toy_model(('det', )))):
        cfg = toy_config('unused', epochs=3, model=model, epoch_length=40)
        cfg.load_from = None
        cfg.custom_imports = dict(imports=['mmmultas.testing'])
        if name == 'det':
            cfg.train_dataloader.pop('seg')
            for part in ('val', 'test'):
                cfg[f'{part}_evaluator'].pop('seg')
            cfg.val_cfg.selection = {'det/mAP': 1.0}
        path = folder / f'configs/{name}.py'
        path.parent.mkdir(exist_ok=True)
        cfg.dump(str(path))
    (folder / 'matrices').mkdir()
    (folder / 'matrices/toy.yaml').write_text(MATRIX)


def _start(folder, work):
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    return subprocess.Popen(
        [sys.executable, ROOT / 'tools/run_matrix.py',
         folder / 'matrices/toy.yaml', '--work-dir', work],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=env)


@pytest.mark.slow
def test_ctrl_c_loses_nothing(tmp_path):
    _configs(tmp_path)
    whole = _start(tmp_path, tmp_path / 'whole')
    table = whole.communicate(timeout=600)[0]
    assert whole.returncode == 0, table
    cut = _start(tmp_path, tmp_path / 'cut')
    cell = tmp_path / 'cut/both_seed1'
    while not list(cell.glob('epoch_1.pth')):
        assert cut.poll() is None
        time.sleep(0.05)
    cut.send_signal(signal.SIGINT)
    said = cut.communicate(timeout=120)[0]
    assert cut.returncode == 130 and 'goes on from there' in said
    assert not (cell / 'result.json').exists()
    on = _start(tmp_path, tmp_path / 'cut')
    assert 'both_seed1   done' in on.communicate(timeout=600)[0]
    assert on.returncode == 0
    for name in ('both_seed1', 'tuned_seed1'):
        results = [
            json.loads((tmp_path / f'{run}/{name}/result.json').read_text())
            for run in ('whole', 'cut')
        ]
        assert results[0]['metrics'] == results[1]['metrics']
        assert [r['updates'] for r in results] == [120, 120]
        states = [
            load_file(tmp_path / f'{run}/{name}/epoch_3.pth')['state_dict']
            for run in ('whole', 'cut')
        ]
        assert all(torch.equal(v, states[1][k]) for k, v in states[0].items())
    # the second cell starts from the first
    loaded = (tmp_path / 'cut/tuned_seed1/config.py').read_text()
    assert 'both_seed1/epoch_3.pth' in loaded
