"""Compile the operators of mmcv for the PyTorch of an environment.

Most of the time that mmcv's 80 files take goes into PyTorch's headers, which
each of them includes. For a CPU a few files include all the others, which
takes a minute on two cores instead of ten. Sources for CUDA are compiled as
they are.
"""
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from environment import Environment, Failure, has_gpu, say

__all__ = ['compile_operators', 'join_sources']

SOURCES = 'mmcv/ops/csrc/pytorch'
#: Files that define the same names, and so stay apart.
APART = ('cpu/bezier_align', 'cpu/roi_align', 'cpu/roi_align_rotated',
         'cpu/rotated_feature_align')
IS_COMPILED = 'from mmcv import _ext\n'
HAS_CUDA = IS_COMPILED + (
    'import sys\n'
    'sys.exit(_ext.get_compiling_cuda_version() == "not available")')


def compile_operators(env: Environment, mmcv: str) -> None:
    """Put compiled operators in the place of those in NumPy.

    A wheel that somebody has put where PIP_ARGS lead pip (`--find-links`) is
    taken if it fits; else the source package is compiled.

    Args:
        env: An environment with PyTorch and mmcv.
        mmcv: The requirement, `onedl-mmcv==...`.

    Raises:
        Failure: They do not compile, and why.
    """
    gpu = has_gpu() and env.can(
        'import sys, torch\nsys.exit(not torch.cuda.is_available())')
    if env.can(HAS_CUDA if gpu else IS_COMPILED):
        print('The operators of mmcv are compiled.')
        return
    say('Operators of mmcv')
    # pip builds in this environment, where PyTorch is
    env.install('setuptools>=77,<81', 'wheel', 'packaging', 'ninja', 'psutil')
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download(env, mmcv, Path(folder))
        if wheel.suffix == '.whl' and _has_operators(wheel):
            env.install(*_AGAIN, str(wheel))
            if env.can(HAS_CUDA if gpu else IS_COMPILED):
                return
            print(f'{wheel.name} does not fit: compiling.')
        if wheel.suffix == '.whl':
            wheel = _download(env, mmcv, Path(folder) / 'source',
                              '--no-binary', mmcv.split('=')[0])
        _compile(env, wheel, gpu)


#: pip keeps wheels that it builds: of mmcv one without operators, or one for
#: another PyTorch. So neither its cache nor what is installed counts.
_AGAIN = ('--no-build-isolation', '--no-cache-dir', '--force-reinstall',
          '--no-deps')


def _download(env: Environment, mmcv: str, folder: Path, *args: str) -> Path:
    env.pip('download', *env.arguments(), '--quiet', '--no-deps',
            '--no-cache-dir', '--no-build-isolation', '--dest', str(folder),
            *args, mmcv)
    [file] = (path for path in folder.iterdir() if path.is_file())
    return file


def _has_operators(wheel: Path) -> bool:
    with zipfile.ZipFile(wheel) as archive:
        return any(name.startswith('mmcv/_ext.')
                   for name in archive.namelist())


def _compile(env: Environment, archive: Path, gpu: bool) -> None:
    log = env.venv / 'mmcv-build.log'
    log.write_text('')
    _require_compilers(env, gpu)
    os.environ.setdefault('MAX_JOBS', str(os.cpu_count() or 1))
    if not gpu:
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
        print('Compiling, about two minutes on two cores', flush=True)
    else:
        print('Compiling for the GPU, ten minutes and more', flush=True)
    for joined in ((False, ) if gpu else (True, False)):
        with tempfile.TemporaryDirectory() as folder:
            source = _unpack(archive, Path(folder))
            if joined:
                join_sources(source, max(4, min(os.cpu_count() or 1, 12)))
            done = env.pip_quietly(log, 'install', *env.arguments(),
                                   '--verbose', *_AGAIN, str(source))
        if done and env.can(IS_COMPILED):
            return
        if joined:
            print('The joined files did not compile: taking them one by one, '
                  'about ten minutes', flush=True)
    print(''.join(log.read_text().splitlines(True)[-25:]))
    raise Failure('the operators of mmcv did not compile; all of the output '
                  f'is in {log}.')


def _unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, 'data_filter'):
            tar.extractall(folder, filter='data')
        else:
            tar.extractall(folder)
    [source] = folder.iterdir()
    return source


def join_sources(source: Path, count: int) -> list[Path]:
    """Let a few files include mmcv's sources for the CPU.

    Args:
        source: mmcv's source package, unpacked.
        count: How many files, 4 or more.

    Returns:
        The files. The others are renamed, so that mmcv's set-up finds these
        alone.
    """
    folder = source / SOURCES
    files = sorted(path.relative_to(folder).with_suffix('').as_posix()
                   for path in [*folder.glob('*.cpp'),
                                *folder.glob('cpu/*.cpp')])
    size = {name: (folder / f'{name}.cpp').stat().st_size for name in files}
    units = [[name] for name in APART if name in size]
    units += [[] for _ in range(count - len(units))]
    for name in sorted(set(files) - set(APART), key=lambda n: (-size[n], n)):
        min(units, key=lambda unit: sum(size[n] for n in unit)).append(name)
    paths = []
    for number, unit in enumerate(units):
        lines = ['#include "pytorch_cpp_helper.hpp"']
        for name in unit:
            path = (folder / f'{name}.cpp').rename(folder / f'{name}.cpp.inc')
            macros = re.findall(r'^\s*#\s*define\s+(\w+)', path.read_text(),
                                re.M)
            lines.append(f'#include "{name}.cpp.inc"')
            lines += [f'#undef {macro}' for macro in macros]
        paths.append(folder / f'joined_{number}.cpp')
        paths[-1].write_text('\n'.join(lines) + '\n')
    # debug symbols are half of the work and nine tenths of the size
    flags = os.environ.get('CFLAGS', '')
    if '-g0' not in flags:
        os.environ['CFLAGS'] = f'{flags} -g0'.strip()
    return paths


def _require_compilers(env: Environment, gpu: bool) -> None:
    header = env.ask('import sysconfig\nprint(sysconfig.get_path("include"))')
    compiler = os.environ.get('CXX', 'g++').split()[0]
    if not shutil.which(compiler):
        raise Failure('the operators need a C++ compiler, and there is no '
                      f'{compiler}: install g++, or name another one in CXX.')
    if not (Path(header or '') / 'Python.h').is_file():
        raise Failure(f"the operators need Python's headers ({header}/"
                      'Python.h): install them (python3-dev on Debian).')
    home = os.environ.get('CUDA_HOME', '/usr/local/cuda')
    if gpu and not shutil.which('nvcc') and not shutil.which(
            f'{home}/bin/nvcc'):
        version = env.ask('import torch\nprint(torch.version.cuda)')
        raise Failure(
            'there is a GPU, but no nvcc to compile the operators for it: '
            f"install the CUDA toolkit of torch's version ({version}), or run "
            '`make env CPU_ONLY=1`.')
