"""`make env` says in a sentence what is wrong, and mends what it can."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def ours():
    """The modules of requirements/, which import one another by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / 'requirements')
        patch.setattr(sys, 'dont_write_bytecode', True)
        import compile_mmcv
        import environment
        import install
    return SimpleNamespace(compile=compile_mmcv, install=install,
                           environment=environment)


@pytest.fixture
def here(ours):
    """The environment that runs the tests."""
    return ours.environment.Environment(Path(sys.prefix))


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return path


def call(goal, tmp_path, **variables):
    return subprocess.run(
        [ROOT / 'requirements/install.sh', goal, tmp_path / 'venv'],
        env=dict(os.environ, **variables), capture_output=True, text=True)


def test_interpreter_that_is_not_there(tmp_path):
    done = call('env', tmp_path, PYTHON='python3.99')
    assert done.returncode == 1
    assert done.stderr == (
        "make env: there is no 'python3.99': name a Python 3.10 to 3.12 "
        'with PYTHON=/path/to/python3.\n')


@pytest.mark.parametrize('version', ['3.9.1', '3.13.0'])
def test_interpreter_of_another_version(tmp_path, version):
    other = script(tmp_path / 'python',
                   f'[ "$1" = -V ] && echo Python {version}\nexit 1')
    done = call('dev', tmp_path, PYTHON=str(other))
    assert done.returncode == 1
    assert done.stderr.startswith('make dev: mmmultas runs on Python 3.10')
    assert f'Python {version}' in done.stderr
    assert not (tmp_path / 'venv').exists()


def test_an_interpreter_without_venv(ours, tmp_path, monkeypatch):
    python = script(tmp_path / 'python',
                    'echo "The virtual environment was not created because '
                    'ensurepip is not available."; exit 1')
    monkeypatch.setattr(sys, 'executable', str(python))
    env = ours.environment.Environment(tmp_path / 'venv')
    with pytest.raises(ours.environment.Failure,
                       match="install the 'venv' package"):
        ours.install.make_venv(env)
    assert not env.venv.exists()


def test_a_folder_that_is_no_environment(tmp_path):
    mine = tmp_path / 'venv/mine.txt'
    mine.parent.mkdir()
    mine.touch()
    done = call('env', tmp_path, PYTHON=sys.executable)
    assert 'is no virtual environment: name another' in done.stderr
    assert done.stderr.count('\n') == 1 and mine.exists()


def test_an_environment_of_another_python(tmp_path):
    (tmp_path / 'venv').mkdir()
    (tmp_path / 'venv/pyvenv.cfg').touch()
    script(tmp_path / 'venv/bin/python', 'echo 3.13')
    done = call('env', tmp_path, PYTHON=sys.executable)
    assert 'was made by Python 3.13: remove it' in done.stderr
    assert (tmp_path / 'venv').exists()


def test_an_environment_without_pip_is_made_anew(ours, tmp_path, monkeypatch):
    env = ours.environment.Environment(tmp_path / 'venv')
    script(env.python, 'exit 1')
    (env.venv / 'pyvenv.cfg').touch()
    python = script(tmp_path / 'python', f'echo "$@" > {tmp_path}/args')
    monkeypatch.setattr(sys, 'executable', str(python))
    ours.install.make_venv(env)
    args = (tmp_path / 'args').read_text()
    assert args == f'-m venv --clear {env.venv}\n'


def test_a_disk_that_is_too_small(ours, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage',
                        lambda _: SimpleNamespace(free=2**30))
    monkeypatch.setattr(ours.install, 'has_gpu', lambda: False)
    env = ours.environment.Environment(tmp_path / 'a/venv')
    with pytest.raises(ours.environment.Failure,
                       match='has 1.0 GB left, .* takes up to 4: make room'):
        ours.install.make_venv(env)


def test_an_index_that_lacks_a_package(ours, here, capfd):
    with pytest.raises(ours.environment.Failure,
                       match='index has no mmmultas-of-nowhere for this'):
        here.install('--no-index', 'mmmultas-of-nowhere')
    assert 'No matching distribution' in capfd.readouterr().err


@pytest.mark.parametrize('said, meant', [
    ('ERROR: Could not install packages due to an OSError: [Errno 28] '
     'No space left on device', 'the disk is full: make room where V lies'),
    ("WARNING: Retrying after connection broken by 'NewConnectionError'\n"
     'ERROR: No matching distribution found for torch',
     'index does not answer: look at the network'),
    ("OSError: [Errno 13] Permission denied: '/opt/x'",
     'nothing can be written to /opt/x: choose another folder'),
    ('ERROR: ResolutionImpossible: for help', 'no versions of the packages'),
    ('error: what nobody knows', 'pip failed, the lines above say why'),
])
def test_what_pip_says_in_words(ours, said, meant):
    sentence = ours.environment.explain(f'WARNING: x\n{said}\n', Path('V'))
    assert sentence.startswith(meant) or meant in sentence
    assert sentence.endswith('Then run it again.')


def test_what_is_half_installed_is_forgotten(ours, tmp_path, monkeypatch):
    def package(name, files, record=True):
        info = tmp_path / f'{name}-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').touch()
        names = [f'{name}.py', f'{name}.pyc', f'{info.name}/METADATA']
        if record:
            (info / 'RECORD').write_text(''.join(f'{n},,\n' for n in names))
        for file in files:
            (tmp_path / file).touch()
        return info

    whole = package('whole', ['whole.py'])  # byte code is written later
    package('begun', [])
    package('unpacked', ['unpacked.py'], record=False)
    (tmp_path / '~ut').mkdir()
    env = ours.environment.Environment(tmp_path)
    monkeypatch.setattr(env, 'packages', lambda: tmp_path)
    assert env.forget_broken() == ['begun', 'unpacked']
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [whole]
    assert env.forget_broken() == []


def test_nothing_here_is_half_installed(ours, here):
    """Else `make env` would install it again at every change."""
    check = ours.environment._is_whole
    broken = [info.name for info in here.packages().glob('*.dist-info')
              if not check(info)]
    assert not broken


def test_torchvision_of_another_torch(ours, here, tmp_path, monkeypatch):
    (tmp_path / 'torchvision.py').write_text(
        'raise RuntimeError("operator torchvision::nms does not exist")')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ours.environment.Failure,
                       match='torchvision.*`.* -m pip uninstall torchvision`'):
        ours.install.check_result(here)


def test_no_compiler_and_no_headers(ours, here, tmp_path, monkeypatch):
    require, failure = ours.compile._require_compilers, (
        ours.environment.Failure)
    monkeypatch.setenv('CXX', 'g++-of-nowhere')
    with pytest.raises(failure, match='no g.*nowhere: install g'):
        require(here, False)
    monkeypatch.setenv('CXX', str(script(tmp_path / 'g++', '')))
    env = ours.environment.Environment(tmp_path)
    script(env.python, f'echo {tmp_path}')
    with pytest.raises(failure, match=r'headers \(.*Python.h\): install'):
        require(env, False)


def test_joined_sources_hold_every_file_once(ours, tmp_path, monkeypatch):
    monkeypatch.setenv('CFLAGS', '-O1')
    folder = tmp_path / ours.compile.SOURCES
    (folder / 'cpu').mkdir(parents=True)
    names = [*ours.compile.APART, 'nms', 'cpu/nms', 'pybind', 'info']
    for name in names:
        (folder / f'{name}.cpp').write_text('#define max 1\n' * len(name))
    paths = ours.compile.join_sources(tmp_path, 5)
    assert sorted(folder.rglob('*.cpp')) == sorted(paths)
    texts = [path.read_text() for path in paths]
    for name in names:
        assert sum(text.count(f'"{name}.cpp.inc"\n#undef max\n')
                   for text in texts) == 1
        assert (folder / f'{name}.cpp.inc').is_file()
    for text in texts:
        assert sum(f'{name}.cpp' in text for name in ours.compile.APART) <= 1
    assert os.environ['CFLAGS'] == '-O1 -g0'


@pytest.mark.parametrize('path', ['requirements/install.sh', '.ci/run'])
def test_scripts_parse_and_can_be_run(path):
    assert os.access(ROOT / path, os.X_OK)
    subprocess.run(['bash', '-n', ROOT / path], check=True)


def test_ci_takes_the_way_of_newcomers():
    """Prebuilt operators are for the last step alone."""
    lines = re.findall('^.*make .*$', (ROOT / '.ci/run').read_text(), re.M)
    *first, last = lines
    assert first and not any('PIP_ARGS' in line for line in first)
    assert last == 'make test-operators PIP_ARGS="$pip_args"'


def test_no_index_is_named():
    """Where packages come from is the user's and pip's business."""
    paths = [ROOT / 'Makefile', ROOT / '.ci/run',
             *sorted((ROOT / 'requirements').glob('*.*'))]
    named = [path.name for path in paths if '://' in path.read_text()]
    assert not named


@pytest.mark.fresh
def test_from_a_clone_to_operators(tmp_path):
    """Commands of a newcomer; the first one is killed and called again."""
    clone = tmp_path / 'clone'
    subprocess.run(['git', 'clone', '--quiet', ROOT, clone], check=True)
    env = dict(os.environ, DEMO_UPDATES='4', CPU_ONLY='1')
    env.pop('PYTHONPATH', None)
    with subprocess.Popen(['make', 'env'], cwd=clone, env=env,
                          stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        for line in process.stdout:
            if 'Installing collected packages' in line:
                os.killpg(process.pid, 9)

    def make(target):
        done = subprocess.run(['make', target], cwd=clone, env=env, text=True,
                              capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert 'NMS in NumPy' in make('env')
    assert 'predictions.png' in make('demo')
    assert 'operators compiled' in make('operators')
    assert 'The operators of mmcv are compiled.' in make('operators')
