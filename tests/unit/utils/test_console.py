import errno

import pytest

from mmmultas.utils.console import friendly_errors, sentence_of
from mmmultas.utils.errors import DataError


def test_a_sentence_and_exit_1(capsys, monkeypatch):
    monkeypatch.delenv('MMMULTAS_TRACEBACK', raising=False)
    with pytest.raises(SystemExit) as stop, friendly_errors():
        raise DataError('a.xml is broken: mend it.')
    assert stop.value.code == 1
    assert capsys.readouterr().err == 'error: a.xml is broken: mend it.\n'


def test_a_workers_traceback_is_left_out():
    error = DataError('Caught DataError in worker process 0.\nOriginal '
                      'Traceback (most recent call last):\n  File "x"\n'
                      'mmmultas.utils.errors.DataError: a.jpg is cut.')
    assert sentence_of(error) == 'a.jpg is cut.'


def test_files_and_registries():
    error = FileNotFoundError(2, 'No such file', 'a/b.txt')
    assert sentence_of(error).startswith('a/b.txt does not exist')
    text = ('X is not in the mmmultas::model registry. Please check whether '
            'the value')
    assert sentence_of(KeyError(text)) == (
        'X is not in the mmmultas::model registry.')


def test_a_full_disk(capsys, monkeypatch):
    monkeypatch.delenv('MMMULTAS_TRACEBACK', raising=False)
    with pytest.raises(SystemExit), friendly_errors(), open(
            '/dev/full', 'w') as file:
        file.write('a line of a log')
    assert 'No space left on device' in capsys.readouterr().err
    error = OSError(errno.EDQUOT, 'Disk quota exceeded', 'a/scalars.json')
    assert sentence_of(error).startswith(
        'There is no room to write a/scalars.json (Disk quota exceeded)')
    assert sentence_of(OSError(errno.EIO, 'Input/output error')) is None


def test_bugs_keep_their_traceback(monkeypatch):
    assert sentence_of(RuntimeError('bug')) is None
    with pytest.raises(RuntimeError), friendly_errors():
        raise RuntimeError('bug')
    monkeypatch.setenv('MMMULTAS_TRACEBACK', '1')
    with pytest.raises(DataError), friendly_errors():
        raise DataError('x')
