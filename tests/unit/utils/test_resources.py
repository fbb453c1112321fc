import subprocess
import sys

import pytest

from mmmultas.utils import resources
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A package in a folder, within a repository of another project."""
    subprocess.run(['git', 'init', '-q', tmp_path], check=True)
    inside = tmp_path / 'site-packages/mmmultas'
    (inside / '.mim/configs/multas').mkdir(parents=True)
    (inside / '.mim/configs/multas/rn18_fpn_mtl.py').write_text('a = 1')
    monkeypatch.setattr(resources, '_PACKAGE', inside)
    monkeypatch.chdir(tmp_path)
    return inside.parent


def test_what_comes_with_the_package():
    for name in ('configs/multas/rn18_fpn_mtl.py', 'tools/train.py',
                 'matrices/voc-mini.yaml', 'model-index.yml'):
        path = resources.resource(name)
        assert path.is_file() and '.mim' not in path.parts
    with pytest.raises(ConfigError, match='configs/none.py is missing.*again'):
        resources.resource('configs/none.py')


@pytest.mark.parametrize('name', [
    'mmmultas::multas/rn18_fpn_mtl.py', 'configs/multas/rn18_fpn_mtl.py'])
def test_names_of_the_package(place, name):
    want = place / 'mmmultas/.mim/configs/multas/rn18_fpn_mtl.py'
    assert resources.packaged(name) == want
    assert resources.find_file(name) == want


@pytest.mark.parametrize('name', [
    'rn18_fpn_mtl.py', 'configs/multas', '/configs/multas/rn18_fpn_mtl.py',
    '../.mim/configs/multas/rn18_fpn_mtl.py', 'mmmultas::../../../setup.py',
    'x' * 5000, 'configs/a\nb.py'])
def test_names_of_nothing_in_the_package(place, name):
    (place / 'setup.py').write_text('')
    assert resources.packaged(name) is None


def test_a_file_that_is_here_wins(place, tmp_path, capsys):
    name = 'configs/multas/rn18_fpn_mtl.py'
    resources._say_once.cache_clear()
    for _ in range(2):
        resources.find_file(name)
    assert capsys.readouterr().err == (
        f'Config {name} is not here: taking the one that comes with '
        'mmmultas.\n')
    resources.find_file('mmmultas::multas/rn18_fpn_mtl.py')
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text('')
    assert resources.find_file(name).read_text() == ''
    assert capsys.readouterr().err == ''


def test_a_similar_name_is_offered(place):
    with pytest.raises(ConfigError) as error:
        resources.find_file('my/rn18_fpn_mtll.py')
    assert str(error.value) == (
        'Config my/rn18_fpn_mtll.py does not exist: check the path, or take '
        'mmmultas::multas/rn18_fpn_mtl.py.')
    with pytest.raises(ConfigError, match=r'exist: check the path\.$'):
        resources.find_file('my/own.py')


def test_paths_of_results(place, tmp_path):
    inside = place / 'mmmultas/.mim/configs/multas/rn18_fpn_mtl.py'
    assert resources.shown(inside) == 'configs/multas/rn18_fpn_mtl.py'
    assert resources.shown(tmp_path / 'a.py') == str(tmp_path / 'a.py')
    (place / '.git').mkdir()
    (place / 'setup.cfg').write_text('')
    assert resources.shown(place / 'own/a.py') == 'own/a.py'


def test_how_a_tool_is_called(monkeypatch, tmp_path):
    root = resources.resource('tools').parent
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, 'argv', ['tools/new_project.py'])
    monkeypatch.setattr(resources, 'clone', lambda: root)
    assert resources.command('check_data') == 'python tools/check_data.py'
    monkeypatch.setattr(sys, 'argv', ['mmmultas new-project'])
    assert resources.command('check_data') == 'mmmultas check-data'
    monkeypatch.chdir(tmp_path)
    assert resources.command('analysis_tools/tide') == 'mmmultas tide'
    script = f'{root}/tools/analysis_tools/get_flops.py'
    monkeypatch.setattr(sys, 'argv', [script])
    assert resources.command('train') == f'python {root}/tools/train.py'
    spaced = tmp_path / 'a b'
    spaced.symlink_to(root)
    monkeypatch.setattr(sys, 'argv', [f'{spaced}/tools/train.py'])
    assert resources.command('test') == f"python '{spaced}/tools/test.py'"
    monkeypatch.setattr(resources, 'clone', lambda: None)
    assert resources.command('train') == 'mmmultas train'


def test_the_commit_of_another_project_is_not_ours(place):
    assert resources.clone() is None
    assert resources.commit() == ''


def test_the_commit_of_a_clone(place):
    git = ['git', '-C', place, '-c', 'user.name=a', '-c', 'user.email=a@b']
    (place / 'setup.cfg').write_text('')
    subprocess.run([*git[:3], 'init', '-q'], check=True)
    subprocess.run([*git, 'add', 'setup.cfg'], check=True)
    subprocess.run([*git, 'commit', '-qm', 'a'], check=True)
    assert resources.clone() == place
    first = resources.commit()
    assert len(first) >= 7 and 'dirty' not in first
    (place / 'setup.cfg').write_text('changed')
    assert resources.commit() == f'{first}-dirty'
