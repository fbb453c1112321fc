"""`make env` says what is wrong before it downloads anything."""
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def install(tmp_path, **variables):
    return subprocess.run(
        [ROOT / 'requirements/install.sh', tmp_path / 'venv'],
        env=dict(os.environ, **variables), capture_output=True, text=True)


def test_interpreter_that_is_not_there(tmp_path):
    done = install(tmp_path, PYTHON='python3.99')
    assert done.returncode == 1
    assert done.stderr == (
        "make env: there is no 'python3.99': name a Python 3.10 to 3.12 "
        'with PYTHON=/path/to/python3.\n')


def test_interpreter_that_is_too_old(tmp_path):
    old = tmp_path / 'python3.9'
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.1\nexit 1\n')
    old.chmod(0o755)
    done = install(tmp_path, PYTHON=str(old))
    assert done.returncode == 1
    assert 'Python 3.10 to 3.12' in done.stderr
    assert 'Python 3.9.1' in done.stderr
    assert not (tmp_path / 'venv').exists()


@pytest.mark.parametrize('path', ['requirements/install.sh', '.ci/run'])
def test_scripts_parse_and_can_be_run(path):
    assert os.access(ROOT / path, os.X_OK)
    subprocess.run(['bash', '-n', ROOT / path], check=True)


def test_no_index_is_named():
    """Where packages come from is the user's and pip's business."""
    paths = [ROOT / 'Makefile', ROOT / '.ci/run',
             *sorted((ROOT / 'requirements').iterdir())]
    named = [path.name for path in paths if '://' in path.read_text()]
    assert not named
