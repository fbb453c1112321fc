import re
import sys
from pathlib import Path

import pytest

from mmmultas import __version__, cli

ROOT = Path(__file__).resolve().parents[2]


def call(monkeypatch, capsys, *args):
    """What a command printed, and its exit code."""
    monkeypatch.setattr(sys, 'argv', ['mmmultas', *args])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out = capsys.readouterr()
    return end.value.code or 0, out.out, out.err


def test_every_tool_is_a_command_once():
    scripts = sorted((ROOT / 'tools').rglob('*.py'))
    found = cli.tools()
    assert sorted(found.values()) == sorted(
        [*scripts, ROOT / 'mmmultas/utils/collect_env.py'])
    assert list(found)[1:4] == ['new-project', 'check-data', 'train']


def test_help_names_every_command(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, '--help')
    assert code == 0
    for name in cli.tools():
        line = re.search(rf'^  {name} +(.+)$', out, re.M)
        assert line and '.py' not in line[1], name
    assert call(monkeypatch, capsys)[0] == 2
    assert call(monkeypatch, capsys, '--version')[1] == (
        f'mmmultas {__version__}\n')


def test_a_command_that_is_not_there(monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, 'trian')
    assert code == 2
    assert err == ("mmmultas: there is no command 'trian': did you mean "
                   'train?\n')
    assert 'see mmmultas --help' in call(monkeypatch, capsys, 'xyz')[2]


@pytest.mark.parametrize('name', ['check-data', 'check_data'])
def test_arguments_and_errors_are_those_of_the_tool(
        monkeypatch, capsys, name):
    code, out, _ = call(monkeypatch, capsys, name, '--help')
    assert code == 0
    assert out.startswith('usage: mmmultas check-data [-h]')
    code, _, err = call(monkeypatch, capsys, name, 'no.py')
    assert code == 1
    assert err == 'error: Config no.py does not exist: check the path.\n'


def test_a_config_of_the_package(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(monkeypatch, capsys, 'print-config',
                          'mmmultas::multas/rn18_fpn_mtl.py')
    assert (code, err) == (0, '')
    assert "type='mmmultas.MultiTaskDetSeg'" in out
