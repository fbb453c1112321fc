"""A short campaign over all readers, and proof that it can fail."""
import os
import time
from collections import Counter

import pytest
from fuzz import fuzz_readers
from fuzz.fuzz_readers import READERS, run

from mmmultas.utils.errors import DataError


def test_every_reader_succeeds_or_says_what_is_wrong():
    counts, failures = run(600, seed=2)
    assert not failures, failures[0][:3]
    assert sum(counts.values()) == 600
    for name in READERS:
        assert counts[name, 'success'] and (
            counts[name, 'clear error'] or name == 'check_data'), name


def _raises(error):
    def read(path):
        raise error

    return read


def _reads_elsewhere(path):
    open('/etc/hostname-that-is-not-there', 'rb')


def _loops(path):
    time.sleep(60)


def _eats(path):
    bytearray(os.urandom(2**10) * 2**20)


@pytest.mark.parametrize('reader, word', [
    (_raises(KeyError('x')), 'KeyError'),
    (_raises(DataError('something is wrong.')), 'unclear'),
    (lambda path: _raises(DataError(f'{path}\nx'))(path), 'unclear'),
    (lambda path: _raises(DataError(f'{path}{"x" * 999}'))(path), 'unclear'),
    (_reads_elsewhere, 'outside: opened /etc/hostname-that'),
    (lambda path: os.system('true'), 'outside: os.system'),
    (lambda path: os._exit(7), 'crash: exit code 7'),
    (_loops, 'hang'),
])
def test_failures_are_seen(tmp_path, monkeypatch, reader, word):
    monkeypatch.setattr(fuzz_readers, 'SECONDS', 0.05)
    monkeypatch.setitem(READERS, 'bad', (reader, '.x', lambda: [b'abcdefgh']))
    counts, failures = run(2, 0, tmp_path, ('bad', ), say=lambda text: None)
    assert counts == Counter({('bad', 'FAILURE'): 2})
    assert all(said.startswith(word) for _, _, said, _ in failures)
    assert (tmp_path / 'bad_0.x').exists()


def test_what_fails_is_made_smaller(monkeypatch):
    def read(path):
        with open(path, 'rb') as file:
            assert b'!' not in file.read()

    seed = b'x' * 500 + b'!' + b'y' * 500
    monkeypatch.setitem(READERS, 'bad', (read, '.x', lambda: [seed]))
    _, failures = run(1, 0, names=('bad', ), say=lambda text: None)
    assert failures[0][3] == b'!'


def test_files_are_a_function_of_seed_and_number():
    for name in READERS:
        assert fuzz_readers.make(name, 77, 5) == fuzz_readers.make(name, 77, 5)
    assert len({fuzz_readers.make('xml', n, s)
                for n in (80, 81) for s in (1, 2)}) == 4
