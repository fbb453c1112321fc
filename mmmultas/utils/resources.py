"""Where the files lie that are no modules, in a clone and installed.

``mmmultas/.mim`` holds configs, tools, matrices and the index of models, where
MMEngine and MIM look for them: links to the folders of a clone, copies in an
installed package.
"""
import difflib
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

from .errors import ConfigError

__all__ = [
    'clone', 'command', 'commit', 'find_file', 'packaged', 'resource',
    'shown'
]

_PACKAGE = Path(__file__).resolve().parents[1]
#: What opens the name of a config of the package, in ``_base_`` as well.
_SCOPE = 'mmmultas::'


def resource(name: str) -> Path:
    """A file or folder that comes with the package.

    Args:
        name: As in a clone: ``'configs'``, ``'tools/train.py'``.

    Raises:
        ConfigError: This installation does not have it.

    Example:
        >>> resource('configs/multas/rn18_fpn_mtl.py').name
        'rn18_fpn_mtl.py'
    """
    path = (_PACKAGE / '.mim' / name).resolve()
    if not path.exists():
        raise ConfigError(f'{name} is missing in this installation of '
                          f'mmmultas ({_PACKAGE}): install it again.')
    return path


def packaged(name: str | Path) -> Path | None:
    """The file of the package that a name stands for, if any.

    Args:
        name: ``'mmmultas::multas/x.py'`` or ``'configs/multas/x.py'``.
    """
    text = str(name)
    if text.startswith(_SCOPE):
        text = f'configs/{text.removeprefix(_SCOPE)}'
    path = Path(text)
    if path.is_absolute() or '..' in path.parts or not text.isprintable():
        return None
    try:
        found = (_PACKAGE / '.mim' / path).resolve()
        return found if found.is_file() else None
    except OSError:  # such as a name that is too long
        return None


def find_file(name: str | Path, what: str = 'Config') -> Path:
    """A file that somebody names: one that is here, else the package's.

    The second is said on stderr, but for names with ``mmmultas::``.

    Args:
        name: A path, or ``mmmultas::`` and a path within ``configs``.
        what: What it is called in messages.

    Raises:
        ConfigError: There is none; the sentence names a similar one.
    """
    if Path(name).is_file():
        return Path(name)
    found = packaged(name)
    if found is None:
        raise ConfigError(f'{what} {name} does not exist: check the path'
                          f'{_similar(str(name))}.')
    if not str(name).startswith(_SCOPE):
        _say_once(f'{what} {name} is not here: taking the one that comes with '
                  'mmmultas.')
    return found


@cache
def _say_once(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _similar(name: str) -> str:
    """The config of the package whose name is nearest, as a part sentence."""
    root = (_PACKAGE / '.mim/configs').resolve()
    known = {path.stem: path.relative_to(root).as_posix()
             for path in sorted(root.glob('[!_]*/*.py'))}
    near = difflib.get_close_matches(Path(name).stem, known, 1, 0.8)
    return f', or take {_SCOPE}{known[near[0]]}' if near else ''


def shown(path: Path) -> str:
    """A path for results: the package's files by their names in a clone."""
    path = path.resolve()
    for name in ('configs', 'matrices', 'tools'):
        root = (_PACKAGE / '.mim' / name).resolve()
        if path.is_relative_to(root):
            return f'{name}/{path.relative_to(root).as_posix()}'
    root_of_clone = clone()
    if root_of_clone is not None and path.is_relative_to(root_of_clone):
        return path.relative_to(root_of_clone).as_posix()
    return str(path)


def command(tool: str) -> str:
    """How a tool is called from here.

    Args:
        tool: ``'train'``, ``'analysis_tools/tide'``.

    Returns:
        ``python tools/train.py`` in the folder of a clone, with the path in
        front by which another tool was called, and ``mmmultas train`` where
        the package is installed or that command was used.
    """
    script, root = Path(sys.argv[0]), clone()
    if root is not None and not script.name.startswith('mmmultas'):
        if Path.cwd() == root:
            return f'python tools/{tool}.py'
        for folder in script.parents:
            if folder.resolve() == root / 'tools':
                return f'python {shlex.quote(str(folder / tool) + ".py")}'
    return f'mmmultas {Path(tool).name.replace("_", "-")}'


def clone() -> Path | None:
    """The clone that the package is imported from; None where installed."""
    root = _PACKAGE.parent
    # an environment often lies within a repository of another project
    is_ours = (root / '.git').exists() and (root / 'setup.cfg').is_file()
    return root if is_ours else None


def commit() -> str:
    """The clone's commit, marked if files differ from it; else ''."""
    root = clone()
    if root is None:
        return ''
    try:
        out = subprocess.run(
            ['git', 'describe', '--always', '--dirty', '--abbrev=7'],
            cwd=root, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return out.stdout.strip()
