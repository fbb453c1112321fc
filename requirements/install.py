"""Fill a virtual environment in the order that works (install.sh calls this).

    python requirements/install.py env VENV        what runs
    python requirements/install.py dev VENV        what tests and lint need
    python requirements/install.py operators VENV  mmcv's compiled operators

Only the standard library is imported. What was begun and interrupted is gone
on with, and what is half installed is installed again.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from compile_mmcv import IS_COMPILED, compile_operators
from environment import HERE, Environment, Failure, explain, has_gpu, say

TORCH = 'torch==2.13.0'
#: Free gigabytes that a new environment takes.
ROOM_CPU, ROOM_CUDA = 4, 12
VERSIONS = ('3.10', '3.11', '3.12')
VERSION = 'import sys, pip; print("%d.%d" % sys.version_info[:2])'


def make_venv(env: Environment) -> None:
    """Make the environment, or make one anew that has no working pip."""
    venv = env.venv
    if venv.exists() and not (venv / 'pyvenv.cfg').exists() and any(
            venv.iterdir()):
        raise Failure(f'{venv} is there and is no virtual environment: name '
                      'another folder with VENV=DIR.')
    version = env.ask(VERSION)
    if version in VERSIONS:
        return
    if version:
        raise Failure(f'{venv} was made by Python {version}: remove it, or '
                      'name another folder with VENV=DIR.')
    check_room(venv)
    say(f'Virtual environment in {venv}')
    done = subprocess.run([sys.executable, '-m', 'venv', '--clear', venv],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        if re.search('ensurepip|No module named .?venv', done.stdout):
            raise Failure(
                f'{sys.executable} cannot make virtual environments: install '
                "the 'venv' package of your system (python3-venv on Debian).")
        print(done.stdout, file=sys.stderr)
        raise Failure(f'{venv} could not be made: '
                      f'{explain(done.stdout, venv)}')


def check_room(venv: Path) -> None:
    """Say before any download that the disk is too small."""
    place = next(p for p in (venv, *venv.absolute().parents) if p.exists())
    cuda = has_gpu() and not os.environ.get('TORCH_INDEX')
    room = ROOM_CUDA if cuda else ROOM_CPU
    free = shutil.disk_usage(place).free / 2**30
    if free < room:
        raise Failure(f'the disk of {venv.absolute()} has {free:.1f} GB left, '
                      f'and the environment takes up to {room}: make room, or '
                      'name a folder on another disk with VENV=DIR.')


def install_torch(env: Environment) -> None:
    """PyTorch alone: everything else fits itself to it."""
    if env.can('import torch'):
        return
    spec = os.environ.get('TORCH_SPEC') or TORCH
    say(f'PyTorch ({spec})')
    index = os.environ.get('TORCH_INDEX')
    if not index:
        print('A CUDA device is here: taking the default build, with CUDA.'
              if has_gpu() else 'No CUDA device: TORCH_INDEX=URL of a CPU '
              'index saves gigabytes.', flush=True)
    env.install(*(['--index-url', index] if index else []), spec)


def install_rest(env: Environment) -> None:
    """OpenMMLab, what the tools need, and this package."""
    say('MMEngine, MMCV, MMDetection, MMSegmentation and what tools need')
    # without pip's cache, which may hold operators for another PyTorch
    env.install('--no-cache-dir', '--no-deps', mmcv())
    env.install('setuptools>=77,<81', 'wheel', *(
        f'--requirement={HERE / name}.txt'
        for name in ('runtime', 'onedl', 'demo', 'analysis', 'balance')))
    env.install('--no-build-isolation', '--no-deps', '--editable',
                str(HERE.parent))


def mmcv() -> str:
    """The version of mmcv, as pip wants it."""
    words = (HERE / 'onedl.txt').read_text().split()
    return next(word for word in words if word.startswith('onedl-mmcv'))


def install_headless_opencv(env: Environment) -> None:
    """Replace opencv-python, which needs libGL.

    The families ask for it, and it overwrites the headless package, which
    therefore comes last.
    """
    if list(env.packages().glob('opencv_python-*.dist-info')):
        say('OpenCV without windows')
        env.pip('uninstall', '--yes', 'opencv-python')
        env.install('--force-reinstall', '--no-deps', 'opencv-python-headless')
    if not env.can('import cv2'):
        raise Failure('OpenCV cannot be imported: '
                      f"{env.python} -c 'import cv2' shows why.")


def drop_stale_operators(env: Environment) -> None:
    """Remove operators that were compiled for another PyTorch."""
    if list(env.packages().glob('mmcv/_ext.*')) and not env.can(IS_COMPILED):
        say('The compiled operators do not fit this PyTorch: NMS in NumPy')
        env.install('--no-cache-dir', '--no-deps', '--force-reinstall', mmcv())


def check_result(env: Environment) -> None:
    """Say what is there, or what keeps it from running."""
    if not env.can('import importlib.util\n'
                   'if importlib.util.find_spec("torchvision"):\n'
                   '    import torchvision'):
        raise Failure(
            f'the torchvision in {env.venv} is not that of its PyTorch and '
            'would stop every run: remove it with '
            f'`{env.python} -m pip uninstall torchvision`.')
    said = env.ask("""
import mmmultas, mmdet.models, mmseg.models, torch
from mmmultas.utils.operators import are_compiled
cuda = 'with CUDA' if torch.cuda.is_available() else 'on the CPU'
operators = 'operators compiled' if are_compiled() else 'NMS in NumPy'
print(f'Ready: mmmultas {mmmultas.__version__}, torch {torch.__version__}',
      f'{cuda}, {operators}')""")
    if not said:
        raise Failure(
            f"the packages do not import: {env.python} -c 'import mmmultas, "
            "mmdet.models, mmseg.models' shows why.")
    print('\n' + said.splitlines()[-1])
    if has_gpu() and 'with CUDA' not in said:
        print(f'There is a GPU, but this torch cannot use it: remove '
              f'{env.venv} and choose TORCH_SPEC and TORCH_INDEX.')


def install(goal: str, env: Environment) -> None:
    """Do what `make GOAL` promises.

    Raises:
        Failure: It cannot be done, and why.
    """
    make_venv(env)
    broken = env.forget_broken()
    if goal == 'env' or broken:
        install_torch(env)
        install_rest(env)
        install_headless_opencv(env)
        drop_stale_operators(env)
    if goal == 'operators' or goal == 'env' and has_gpu():
        compile_operators(env, mmcv())
    if goal == 'dev':
        say('What tests and lint need')
        env.install('-r', str(HERE / 'dev.txt'))
    env.compile()
    if goal != 'dev':
        check_result(env)


def main() -> None:
    """Say in one sentence what failed."""
    goal, venv = sys.argv[1:]
    try:
        install(goal, Environment(Path(venv)))
    except Failure as failure:
        sys.exit(f'make {goal}: {failure}')
    except KeyboardInterrupt:
        sys.exit(f'make {goal}: stopped. The next call goes on.')
    except OSError as error:
        sys.exit(f'make {goal}: {error}. Then run it again.')


if __name__ == '__main__':
    main()
