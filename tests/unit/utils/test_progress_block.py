import re

import pytest

from mmmultas.utils import progress_block
from mmmultas.utils.progress_block import ProgressBlock, Row


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress_block.time, 'monotonic', lambda: now[0])
    return now


def block(monkeypatch, terminal):
    monkeypatch.setattr('sys.stderr.isatty', lambda: terminal, raising=False)
    monkeypatch.setenv('TERM', 'xterm')
    return ProgressBlock('Training', 'updates')


def test_a_pipe_gets_a_line_now_and_then(clock, capsys, monkeypatch):
    shown = block(monkeypatch, False)
    rows = [Row('a', 0, 10, weight=2), Row('b', 0, 20, 'waits')]
    for second in range(75):
        clock[0] = 100 + second
        rows[0].done = min(10, second // 5)
        shown.show(rows)
    rows[0].state, rows[1].state = 'done', 'failed'
    shown.show(rows, last=True)
    assert capsys.readouterr().err.splitlines() == [
        'Training (0 s): 0 of 2 done; a 0/10 updates',
        # 4 of 40 in 10 s
        'Training (10 s): 0 of 2 done, about 2 min left; a 2/10 updates',
        'Training (40 s): 0 of 2 done, about 60 s left; a 8/10 updates',
        'Training (70 s): 0 of 2 done, about 70 s left; a 10/10 updates',
        'Training (74 s): 1 of 2 done, 1 failed',
    ]


def test_what_an_earlier_call_did_is_no_speed_of_this_one(
        clock, capsys, monkeypatch):
    shown = block(monkeypatch, False)
    shown.show([Row('a', 900, 1000)])
    clock[0] += 30
    shown.show([Row('a', 950, 1000)])
    first, second = capsys.readouterr().err.splitlines()
    assert 'left' not in first
    assert 'about 30 s left' in second


def test_a_terminal_has_one_block(clock, capsys, monkeypatch):
    shown = block(monkeypatch, True)
    monkeypatch.setenv('COLUMNS', '60')
    rows = [Row('long', 5, 10), Row('b', 20, 20, 'is tested'),
            Row('c', 0, 9, 'waits')]
    shown.show(rows)
    shown.show(rows)
    first, second = capsys.readouterr().err.split('\x1b[3A')
    assert first.removeprefix('\r\x1b[J').splitlines() == [
        'Training (0 s): 0 of 3 done',
        '  long [##########----------] 5/10 updates',
        '  b    [####################] 20/20 updates, is tested',
    ]
    assert second.endswith(first)
    shown.show([Row('x' * 99, 5, 10)])
    lines = re.sub(r'\x1b\[\w+', '', capsys.readouterr().err).splitlines()
    assert max(map(len, lines)) <= 60


def test_nothing_to_show(capsys, monkeypatch):
    block(monkeypatch, False).show([])
    assert capsys.readouterr().err == ''
