import json
import signal
import sys
import time

import pytest

from mmmultas.testing.demo import (METHODS, NUM_EPOCHS, Job, _config,
                                   results_table, run_demo, run_jobs,
                                   scalar_steps)
from mmmultas.utils.errors import UserError
from mmmultas.utils.launch import load_config


def _python(code):
    return [sys.executable, '-c', code]


def test_commands_run_in_order_and_into_a_log(tmp_path):
    jobs = [
        Job(name, [_python(f'print("{name} one")'),
                   _python('print("two")')], tmp_path / name, 4)
        for name in ('a', 'b', 'c')
    ]
    run_jobs(jobs, parallel=2)
    for job in jobs:
        assert job.log.read_text() == f'{job.name} one\ntwo\n'
        assert job.seconds > 0


def test_no_more_jobs_at_a_time_than_asked(tmp_path):
    code = ('import pathlib, time; p = pathlib.Path(r"{}"); '
            'assert not p.exists(); p.touch(); time.sleep(0.5); p.unlink()')
    command = [_python(code.format(tmp_path / 'here'))]
    run_jobs([Job(n, command, tmp_path / n, 4) for n in 'ab'], parallel=1)


def test_a_failure_shows_its_end_and_stops_the_others(tmp_path):
    bad = Job('bad', [_python('print("the reason"); raise SystemExit(3)')],
              tmp_path / 'bad', 4)
    slow = Job('slow', [_python('import time; time.sleep(60)')],
               tmp_path / 'slow', 4)
    start = time.time()
    with pytest.raises(UserError, match='(?s)failed.*the reason.*console.log'):
        run_jobs([slow, bad])
    assert time.time() - start < 30
    assert slow._process.returncode == -signal.SIGTERM


def test_steps_are_read_while_they_are_written(tmp_path):
    folder = tmp_path / '2026/vis_data'
    folder.mkdir(parents=True)
    lines = [json.dumps(dict(loss=1., iter=n)) for n in (20, 40)]
    lines += [json.dumps({'det/mAP': 1., 'step': 1}), '{"iter": 6']
    (folder / 'scalars.json').write_text('\n'.join(lines))
    assert list(scalar_steps(tmp_path)) == [20, 40]


def test_table():
    rows = [{'name': 'both', 'updates': 8, 'minutes': 2,
             'det/AP50': 50.04, 'det/mAP': 20, 'seg/mIoU': 60}]
    last = results_table(rows).splitlines()[-1]
    assert last == '| both | 50.0 | 20.0 | 60.0 | 8 | 2.0 |'


def test_the_last_epoch_is_that_of_the_config():
    for method in METHODS:
        cfg = load_config(_config(method))
        assert cfg.train_cfg.max_epochs == NUM_EPOCHS


def test_too_few_updates(tmp_path):
    with pytest.raises(UserError, match='DEMO_UPDATES is 4'):
        run_demo(tmp_path / 'digits', tmp_path / 'work', 3)
    assert set(METHODS) == {'mtl', 'det', 'seg'}
