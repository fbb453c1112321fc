import subprocess

import pytest

from mmmultas.utils import resources


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A package in a folder, within a repository of another project."""
    subprocess.run(['git', 'init', '-q', tmp_path], check=True)
    inside = tmp_path / 'site-packages/mmmultas'
    inside.mkdir(parents=True)
    monkeypatch.setattr(resources, '_PACKAGE', inside)
    return inside.parent


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
