"""A virtual environment: what it answers, and what its pip says in words.

Only the standard library is imported.
"""
import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ['Environment', 'Failure', 'explain', 'has_gpu', 'say']

HERE = Path(__file__).resolve().parent
#: What pip or the system says → what it means. `{0}` is the first group.
CAUSES = {
    # first, for pip then says that no distribution matches, too
    r'name resolution|NewConnectionError|NameResolutionError|Max retries|'
    r'Read timed out|ReadTimeout|ProxyError|SSLError|Could not fetch URL':
    'the package index does not answer: look at the network and at '
    '`pip config list`',
    r'No matching distribution found for (\S+)':
    'the package index has no {0} for this Python and machine: name an index '
    "that has it, PIP_ARGS='--index-url URL'",
    r'No space left on device|Disk quota exceeded':
    'the disk is full: make room where {venv} lies and in {tmp} (TMPDIR), '
    'about 4 GB, 12 with CUDA',
    r"Permission denied:? *'?([^'\n]*)":
    'nothing can be written to {0}: choose another folder with VENV=DIR',
    r'ResolutionImpossible|conflicting dependencies':
    'no versions of the packages fit together: take back what TORCH_SPEC, '
    'PIP_ARGS or a change in requirements/ asks for',
}


class Failure(Exception):
    """A sentence for whoever typed `make`."""


def say(text: str) -> None:
    """Name a step."""
    print(f'\n== {text}', flush=True)


def explain(text: str, venv: Path) -> str:
    """The sentence for what pip wrote before it gave up.

    Args:
        text: Its last lines.
        venv: The environment.
    """
    for pattern, sentence in CAUSES.items():
        if found := re.search(pattern, text):
            return sentence.format(
                *found.groups(), venv=venv,
                tmp=tempfile.gettempdir()) + '. Then run it again.'
    return 'pip failed, the lines above say why. Then run it again.'


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU that is to be used."""
    if os.environ.get('CPU_ONLY') or not shutil.which('nvidia-smi'):
        return False
    done = subprocess.run(['nvidia-smi', '-L'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return 'GPU' in done.stdout


class Environment:
    """A folder with an interpreter and packages of its own.

    Args:
        venv: The folder.
    """

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.python = venv / 'bin/python'

    def ask(self, code: str) -> str | None:
        """What its interpreter prints, None after an error."""
        if not self.python.exists():
            return None
        done = subprocess.run([self.python, '-W', 'ignore', '-c', code],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        return done.stdout.strip() if done.returncode == 0 else None

    def can(self, code: str) -> bool:
        """Whether its interpreter runs some code without an error."""
        return self.ask(code) is not None

    def packages(self) -> Path:
        """Its folder of packages."""
        return Path(self.ask('import sysconfig\n'
                             'print(sysconfig.get_path("purelib"))') or '')

    def install(self, *args: str) -> None:
        """`pip install` with our constraints and the user's PIP_ARGS.

        Raises:
            Failure: It failed, and why.
        """
        self.pip('install', '--no-compile', *self.arguments(), *args)

    def arguments(self) -> list[str]:
        """What every installation is told."""
        return ['--constraint', str(HERE / 'constraints.txt'),
                *shlex.split(os.environ.get('PIP_ARGS', ''))]

    def compile(self) -> None:
        """Write byte code on all cores; pip would do it on one.

        A quarter of it is tests of packages, which nobody runs here.
        """
        subprocess.run([self.python, '-m', 'compileall', '-q', '-j', '0',
                        '-x', '/tests?/', self.packages()],
                       stdout=subprocess.DEVNULL)

    def pip(self, *args: str) -> None:
        """Run pip in sight.

        Raises:
            Failure: It failed, and why.
        """
        last: list[str] = []
        with subprocess.Popen(self.command(*args), stderr=subprocess.PIPE,
                              text=True, errors='replace') as process:
            for line in process.stderr or ():
                sys.stderr.write(line)
                last = [*last[-199:], line]
        if process.returncode:
            raise Failure(explain(''.join(last), self.venv))

    def pip_quietly(self, log: Path, *args: str) -> bool:
        """Run pip for minutes, with a line every half a minute.

        Args:
            log: Takes all of its output. Of lines such as "[12/149] g++ ..."
                the count is shown.
            args: Of pip.

        Returns:
            Whether it succeeded.
        """
        start = said = time.monotonic()
        with open(log, 'a') as text, subprocess.Popen(
                self.command(*args), stdout=text,
                stderr=subprocess.STDOUT) as process:
            while process.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - said < 30:
                    continue
                said = time.monotonic()
                spent = divmod(int(said - start), 60)
                print(f'  compiling for {spent[0]}:{spent[1]:02d} min'
                      f'{_count(log)}', flush=True)
        return process.returncode == 0

    def command(self, *args: str) -> list[str]:
        """A call of its pip."""
        return [str(self.python), '-m', 'pip', '--disable-pip-version-check',
                *args]

    def forget_broken(self) -> list[str]:
        """Let pip install again what an interruption left half installed.

        pip believes that a package is there if its metadata are; those of
        packages without all of their files are removed.

        Returns:
            The names of the packages.
        """
        packages = self.packages()
        broken = [info for info in sorted(packages.glob('*.dist-info'))
                  if not _is_whole(info)]
        for info in [*broken, *packages.glob('~*')]:  # ~: put aside by pip
            shutil.rmtree(info, ignore_errors=True)
        names = [info.name.split('-')[0] for info in broken]
        if names:
            print('Half installed, and installed again:', ', '.join(names),
                  flush=True)
        return names


def _is_whole(info: Path) -> bool:
    """Whether a package has all files that its metadata name."""
    record = info / 'RECORD'
    if not (info / 'METADATA').is_file() or not record.is_file():
        return False
    with open(record, newline='') as text:
        files = [row[0] for row in csv.reader(text) if row]
    return bool(files) and all((info.parent / file).exists() for file in files
                               if not file.endswith('.pyc'))


def _count(log: Path) -> str:
    found = re.findall(r'^\s*\[(\d+/\d+)\]', log.read_text(errors='replace'),
                       re.M)
    return f', file {found[-1]}' if found else ''
