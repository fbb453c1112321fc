import subprocess
import sys

from mmmultas.utils.allocator import keep_freed_memory


def test_can_be_switched_off(monkeypatch):
    monkeypatch.setenv('MMMULTAS_MALLOC', '0')
    assert 'MMMULTAS_MALLOC=0' in keep_freed_memory()


def test_says_what_it_did():
    code = ('from mmmultas.utils.allocator import keep_freed_memory as k;'
            'print(k())')
    out = subprocess.run([sys.executable, '-c', code],
                         capture_output=True,
                         text=True,
                         check=True).stdout
    assert 'memory stays' in out or 'as it is' in out
