import subprocess
import sys

from mmmultas import __version__


def test_python_m_is_the_command():
    done = subprocess.run([sys.executable, '-m', 'mmmultas', '--version'],
                          capture_output=True, text=True)
    assert done.stdout == f'mmmultas {__version__}\n'
