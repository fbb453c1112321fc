"""``mmmultas train CONFIG``: the tools of this package as one command.

``mmmultas NAME`` is ``tools/NAME.py`` with the same arguments, in any folder;
``python -m mmmultas NAME`` is the same, for ``torchrun -m`` and where the
command is not on the path.
"""
import ast
import difflib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from .utils.resources import resource
from .version import __version__

__all__ = ['main', 'tools']

#: Folder of tools → what a reader calls them.
_GROUPS = {
    'tools': 'From data to predictions',
    'analysis_tools': 'Look at data, logs, predictions and models',
    'dataset_converters': 'Prepare public data sets',
}
#: The order of work; others follow by name.
_FIRST = ('demo', 'new-project', 'check-data', 'train', 'test', 'predict',
          'run-matrix', 'report')


def tools() -> dict[str, Path]:
    """Name of each command → its script, in the order of the help."""
    root = resource('tools')
    found = {path.stem.replace('_', '-'): path
             for folder in (root, *(root / name for name in _GROUPS))
             for path in sorted(folder.glob('*.py'))}
    first = {name: found[name] for name in _FIRST}
    return {**first, 'collect-env': _collect_env(), **found}


def _collect_env() -> Path:
    return Path(__file__).parent / 'utils/collect_env.py'


def usage() -> str:
    """What ``mmmultas --help`` prints."""
    lines = ['usage: mmmultas COMMAND [ARGUMENTS]', '',
             '`mmmultas COMMAND --help` explains a command.']
    by_group: dict[str, list[str]] = {name: [] for name in _GROUPS}
    for name, path in tools().items():
        group = path.parent.name if path.parent.name in _GROUPS else 'tools'
        by_group[group].append(f'  {name:<20}{_summary(path)}')
    for group, entries in by_group.items():
        lines += ['', f'{_GROUPS[group]}:', *entries]
    return '\n'.join(lines)


def _summary(path: Path) -> str:
    """The first line of a tool's docstring, without its command."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ''
    return text.splitlines()[0].partition(path.name)[0].rstrip(' :.')


def main() -> None:
    """Run the tool that the first argument names.

    Raises:
        SystemExit: Always, with the tool's exit code; 2 for no such tool.
    """
    name = sys.argv[1] if len(sys.argv) > 1 else None
    if name in (None, '-h', '--help'):
        print(usage(), file=sys.stderr if name is None else sys.stdout)
        sys.exit(2 if name is None else 0)
    if name == '--version':
        print(f'mmmultas {__version__}')
        sys.exit()
    path = tools().get(str(name).replace('_', '-'))
    if path is None:
        near = difflib.get_close_matches(str(name), tools(), 1)
        hint = f'did you mean {near[0]}?' if near else (
            'see mmmultas --help.')
        print(f'mmmultas: there is no command {name!r}: {hint}',
              file=sys.stderr)
        sys.exit(2)
    # what argparse calls the program, and what tools say of the next step
    sys.argv = [f'mmmultas {path.stem.replace("_", "-")}', *sys.argv[2:]]
    tool = _loaded(path)
    from .utils.console import friendly_errors
    with friendly_errors():
        sys.exit(tool.main())


def _loaded(path: Path) -> Any:
    """A script as a module."""
    name = f'mmmultas_tools.{path.stem}'
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f'{path} is no Python file')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
