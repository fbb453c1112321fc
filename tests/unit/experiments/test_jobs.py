import json
import os
import signal
import sys

import pytest

from mmmultas.experiments.jobs import (Job, noted_seconds, run_jobs,
                                       scalar_steps)
from mmmultas.utils.errors import UserError


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
    with pytest.raises(UserError, match='(?s)failed.*the reason.*console.log'):
        run_jobs([slow, bad])
    assert slow._process.returncode == -signal.SIGTERM


def test_steps_are_read_while_they_are_written(tmp_path):
    folder = tmp_path / '2026/vis_data'
    folder.mkdir(parents=True)
    lines = [json.dumps(dict(loss=1., iter=n)) for n in (20, 40)]
    lines += [json.dumps({'det/mAP': 1., 'step': 1}), '{"iter": 6']
    (folder / 'scalars.json').write_text('\n'.join(lines))
    assert list(scalar_steps(tmp_path)) == [20, 40]


def test_commands_may_be_made_late(tmp_path):
    path = tmp_path / 'made.txt'
    first = _python(f'open(r"{path}", "w").write("here")')
    job = Job('a', [first, lambda: _python(f'print("{path.read_text()}")')],
              tmp_path / 'a', 4)
    run_jobs([job])
    assert job.log.read_text() == 'here\n'


def test_needs_come_first_and_failures_block_only_what_needs_them(tmp_path):
    def job(name, code, *needs):
        return Job(name, [_python(code)], tmp_path / name, 4, needs=needs)

    log = tmp_path / 'log.txt'
    note = f'open(r"{log}", "a").write("{{}} ")'
    done = []
    failed = run_jobs(
        [
            job('late', note.format('late'), 'early', 'elsewhere'),
            job('never', note.format('never'), 'bad'),
            job('early', note.format('early')),
            job('bad', 'raise SystemExit(2)')
        ],
        keep_going=True,
        on_done=lambda job: done.append(job.name))
    assert log.read_text().split() == done == ['early', 'late']
    assert set(failed) == {'bad', 'never'}
    assert failed['never'] == 'bad, which it needs, failed'


def test_slots_say_what_a_job_sees(tmp_path):
    code = 'import os, time; print(os.environ["PLACE"]); time.sleep(0.5)'
    jobs = [Job(n, [_python(code)], tmp_path / n, 4) for n in 'ab']
    run_jobs(jobs, slots=[dict(PLACE='0'), dict(PLACE='1')])
    assert sorted(job.log.read_text().strip() for job in jobs) == ['0', '1']


def test_a_file_stays_open_in_the_commands(tmp_path):
    with (tmp_path / 'lock').open('w') as file:
        code = f'import os; os.fstat({file.fileno()}); print("open")'
        job = Job('a', [_python(code)], tmp_path / 'a', 4,
                  files=[file.fileno()])
        run_jobs([job])
    assert 'open' in job.log.read_text()
    assert os.path.exists(job.log)


def test_seconds_of_calls_add_up(tmp_path):
    assert noted_seconds(tmp_path) == 0
    for seconds in (60.0, 0.0, 30.5):  # one that had nothing to do
        job = Job('a', [], tmp_path, 4)
        job.seconds = seconds
        job.note_seconds()
        job.note_seconds()
    assert noted_seconds(tmp_path) == 90.5


def test_one_block_of_progress(tmp_path, capfd):
    log = tmp_path / 'a/1/vis_data/scalars.json'
    write = (f'import pathlib; p = pathlib.Path(r"{log}"); '
             'p.parent.mkdir(parents=True); '
             """p.write_text('{"iter": 3}'); import time; time.sleep(1)""")
    run_jobs([Job('a', [_python(write), _python('pass')], tmp_path / 'a', 4),
              Job('b', [_python('pass')], tmp_path / 'b', 4)], 1)
    first, last = capfd.readouterr().err.splitlines()
    assert first == 'Training (0 s): 0 of 2 done; a 0/4 updates'
    assert last.endswith('2 of 2 done')


def test_state(tmp_path):
    job = Job('a', [_python('pass'), _python('import time; time.sleep(9)')],
              tmp_path, 4)
    assert job.state == 'waits'
    job.start()
    assert job.state == 'runs'
    while len(job._todo):
        job.poll()
    assert job.state == 'is tested'
    job.stop()
