import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from mmmultas.utils import collect_env

#: A Python in which nothing but itself can be imported.
NOTHING = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('torch', 'mmengine', 'mmcv', 'mmdet',
                                  'mmseg', 'numpy', 'PIL', 'cv2'):
            raise ModuleNotFoundError(f'No module named {name!r}')
sys.meta_path.insert(0, Blocker())
from importlib import metadata
def version(name):
    raise metadata.PackageNotFoundError(name)
metadata.version = version
runpy.run_module('mmmultas.utils.collect_env', run_name='__main__')
"""


@pytest.fixture(scope='module')
def report():
    return collect_env.collect_env()


def test_the_stack_is_named_with_its_versions(report):
    for module, dist in (('torch', 'torch'), ('numpy', 'numpy'),
                         ('PIL', 'pillow')):
        assert report[module] == f'{dist} {metadata.version(dist)}'
    assert report['Family'] in ('onedl', 'original')
    prefix = 'onedl-' if report['Family'] == 'onedl' else ''
    version = metadata.version(f'{prefix}mmcv')
    assert report['mmcv'] == f'{prefix}mmcv {version}'
    assert report['mmdet.models, mmseg.models'] == 'can be imported'
    assert 'Remarks' not in report


def test_operators_are_told_apart(monkeypatch):
    ops = SimpleNamespace(get_compiling_cuda_version=lambda: '12.6')
    monkeypatch.setattr(collect_env, 'import_module', {'mmcv.ops': ops}.get)
    monkeypatch.setattr(collect_env, 'are_compiled', lambda: True)
    assert collect_env._operators() == 'compiled, CUDA 12.6'
    monkeypatch.setattr(collect_env, 'are_compiled', lambda: False)
    assert collect_env._operators().startswith('NumPy')


@pytest.mark.parametrize('capability, has', [((7, 5), 'no'), ((8, 0), 'yes')])
def test_gpus(monkeypatch, capability, has):
    cuda = SimpleNamespace(
        is_available=lambda: True, device_count=lambda: 2,
        get_device_name='GPU {}'.format,
        get_device_capability=lambda: capability)
    torch = SimpleNamespace(
        cuda=cuda, version=SimpleNamespace(cuda='12.6', hip=None))
    processor = SimpleNamespace(has_bf16=lambda: False)
    monkeypatch.setattr(collect_env, 'import_module', {
        'torch': torch, 'mmmultas.utils.processor': processor}.get)
    assert collect_env._devices() == 'GPU 0, GPU 1 (torch for 12.6)'
    assert collect_env._bf16() == f'CPU no, GPU {has}'
    cuda.is_available = lambda: False
    assert collect_env._devices() == 'none (torch is built for 12.6)'
    assert collect_env._bf16() == 'CPU no'


def test_a_broken_package_does_not_end_the_report(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv2', None)
    assert 'broken (ModuleNotFoundError: ' in collect_env._package(
        'cv2', ('numpy', ))
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)
    answer = collect_env._or_reason(collect_env._operators)
    assert answer.startswith('unknown (ModuleNotFoundError: ')


@pytest.mark.parametrize('there, family', [
    (('onedl-mmengine', 'onedl-mmcv', 'onedl-mmdetection',
      'onedl-mmsegmentation'), 'onedl'),
    (('mmengine', 'mmcv', 'mmdet', 'mmsegmentation'), 'original'),
    (('onedl-mmengine', 'onedl-mmcv'), 'onedl, incomplete'),
    (('onedl-mmengine', 'mmcv'), 'both, which overwrite each other'),
    ((), 'missing'),
])
def test_families(monkeypatch, there, family):

    def version(name):
        if name not in there:
            raise metadata.PackageNotFoundError(name)
        return '1.0'

    monkeypatch.setattr(metadata, 'version', version)
    assert collect_env._family() == family


def test_remarks_say_what_to_do(monkeypatch):
    monkeypatch.setattr(collect_env, '_reason_not_to_import',
                        {'torchvision': ''}.get)
    found = dict(torch='missing', numpy='numpy 2', PIL='missing', GPU='none',
                 cv2='opencv-python 4, opencv-python-headless 4',
                 Family='both, which overwrite each other')
    text = ' '.join(collect_env._remarks(found))
    for part in ('torch is not installed: run', 'pip install pillow',
                 'both families', 'Several packages of OpenCV',
                 'torchvision beside a CPU build'):
        assert part in text
    assert 'numpy' not in text


def test_it_runs_where_nothing_is_installed():
    done = subprocess.run([sys.executable, '-c', NOTHING],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name in ('torch', 'mmcv', 'mmseg', 'numpy', 'cv2', 'Family'):
        assert f'{name}: missing' in lines
    assert any(line.startswith('Operators of mmcv: unknown (ModuleNotFound')
               for line in lines)
    assert '- mmdet is not installed: run `make env`' in done.stdout


def test_the_command_prints_what_is_collected(capsys, monkeypatch):
    monkeypatch.setattr(collect_env, 'collect_env',
                        lambda: {'Python': '3', 'GPU': 'none'})
    collect_env.main()
    assert capsys.readouterr().out == 'Python: 3\nGPU: none\n'
