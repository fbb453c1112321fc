import pytest

from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.projects.next_step import next_step
from mmmultas.projects.project import Project

BAD = Problem('a.xml', 'is wrong', 'mend it')
ODD = Problem('a.xml', 'looks odd', 'look at it', severity=WARNING)
ARGUMENTS = ['--det', 'my boxes', '--out', 'my.py', '--all']


@pytest.fixture(autouse=True)
def called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['mmmultas'])


@pytest.mark.parametrize('own, others, converted, words', [
    ([], [], ['my_boxes.json'], 'Next:\nmmmultas train my.py'),
    ([ODD], [], ['my_boxes.json'],
     'If it is as you meant:\nmmmultas train my.py'),
    ([], [BAD], [], 'look again:\nmmmultas check-data my.py'),
    ([BAD], [], ['my_boxes.json'],
     '(my_boxes.json would stay as it is):\n'
     "mmmultas new-project --det 'my boxes' --all --out my_2.py"),
    ([], [BAD], ['my_boxes.json', 'm'], '(my_boxes.json and m would stay as '
     "they are):\nmmmultas new-project --det 'my boxes' --all --out my_2.py"),
    ([BAD], [], [], 'look at the labels again:\nmmmultas new-project')])
def test_what_was_converted_is_converted_again(own, others, converted, words):
    project = Project('my.py', problems=own, converted=converted)
    assert words in next_step(project, own + others, ARGUMENTS)


def test_a_name_that_is_free(tmp_path):
    (tmp_path / 'my_2.py').touch()
    project = Project('my.py', problems=[BAD], converted=['m'])
    said = next_step(project, [BAD], ['--out=my.py', '--seg', 's'])
    assert said.endswith('new-project --seg s --out my_3.py')
