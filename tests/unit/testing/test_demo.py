import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmmultas.testing.demo import (DIGITS, NUM_EPOCHS, SCENES, _job,
                                   results_table, run_demo)
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import load_config


def test_table():
    rows = [{'name': 'both', 'updates': 8, 'minutes': 2,
             'det/AP50': 50.04, 'det/mAP': 20, 'seg/mIoU': 60}]
    last = results_table(rows, DIGITS.columns).splitlines()[-1]
    assert last == '| both | 50.0 | 20.0 | 60.0 | 8 | 2.0 |'
    rows = [{'name': 'one', 'updates': 8, 'minutes': 2,
             'depth/abs_err': .1234, 'normals/mean': 12.34}]
    last = results_table(rows, SCENES.columns).splitlines()[-1]
    assert last == '| one | – | – | 0.123 | 12.3 | – | 8 | 2.0 |'


@pytest.mark.parametrize('demo', [DIGITS, SCENES])
def test_what_is_told_is_that_of_the_configs(demo):
    cfg = load_config(demo.path(demo.joint))
    assert cfg.train_cfg.max_epochs == NUM_EPOCHS
    heads = set(cfg.model.heads)
    assert {column.split('/')[0] for column in demo.columns} == heads
    for methods in (demo.methods, *demo.panels.values()):
        assert set(methods) in (heads, {demo.joint}, {demo.joint, *heads})
    for method in set(demo.methods) - {demo.joint}:
        alone = load_config(demo.path(method))
        assert [t for t, h in alone.model.heads.items() if h] == [method]
        # the same batches and weight as in the network for all
        assert alone.train_cfg == cfg.train_cfg
        assert alone.train_dataloader[method] == cfg.train_dataloader[method]
        assert alone.model.task_weights == {
            method: cfg.model.task_weights[method]}


def test_too_few_updates(tmp_path):
    with pytest.raises(UserError, match='DEMO_UPDATES is 4'):
        run_demo(tmp_path / 'digits', tmp_path / 'work', 3)


def test_what_is_done_is_not_done_again(tmp_path):
    assert len(_job(DIGITS, 'det', tmp_path, 8).commands) == 2
    checkpoint, boxes = (tmp_path / name for name in (
        f'epoch_{NUM_EPOCHS}.pth', 'boxes.json'))
    checkpoint.touch()
    [test] = _job(DIGITS, 'det', tmp_path, 8).commands
    assert test[1].endswith('tools/test.py')
    boxes.touch()
    os.utime(boxes, (1, 1))  # of another checkpoint
    assert len(_job(DIGITS, 'det', tmp_path, 8).commands) == 1
    boxes.touch()
    assert _job(DIGITS, 'det', tmp_path, 8).commands == []


@pytest.mark.slow
def test_the_demo_says_what_it_does_and_keeps_its_minutes(tmp_path):
    root = Path(__file__).resolve().parents[3]

    def demo():
        start = time.monotonic()
        lines, begun = [], None
        with subprocess.Popen(
                [sys.executable, root / 'tools/demo.py', '--updates', '4',
                 '--data', tmp_path / 'digits', '--work-dir', tmp_path / 'w'],
                env=dict(os.environ, PYTHONPATH=str(root)), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for line in process.stdout:
                lines.append(line.rstrip())
                if begun is None and line.startswith('Training ('):
                    begun = time.monotonic() - start
        assert process.returncode == 0, lines
        return lines, begun

    first, begun = demo()
    # 20 on a machine that has nothing else to do
    assert begun < 60
    assert sum('of 3 done' in line for line in first) < 20
    second, begun = demo()
    assert begun is None
    for lines in (first, second):
        path = lines[-1].removeprefix('Picture: ')
        assert path != lines[-1] and Path(path).is_file()
    tables = [[line for line in lines if line.startswith('|')]
              for lines in (first, second)]
    assert tables[0] == tables[1]
    minutes = [float(line.split('|')[-2]) for line in tables[0][2:]]
    assert len(minutes) == 3 and min(minutes) > 0
