"""Filling in the values at the top of a config that is made to be copied."""
import ast
import os
import pprint
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.resources import clone, resource

__all__ = ['CONFIGS', 'fill_in', 'model_names', 'rebase']

#: Folder of the package's configs.
CONFIGS = resource('configs')


def model_names() -> list[str]:
    """Bases that a config may take its model from."""
    return sorted(p.stem for p in (CONFIGS / '_base_/models').glob('*.py'))


def fill_in(template: str, values: Mapping[str, Any], header: str) -> str:
    """Replace the values of top-level names; all else stays as it is.

    Args:
        template: Text of a config.
        values: New values, which ``repr`` can write.
        header: Comment in place of the template's first one.

    Raises:
        KeyError: The template does not have a name.

    Example:
        >>> fill_in('# old\\na = 1  # why\\nb = [a]', {'a': 2}, '# new')
        '# new\\na = 2  # why\\nb = [a]\\n'
    """
    lines = template.splitlines()
    places = {}
    for node in ast.parse(template).body:
        if isinstance(node, ast.Assign) and isinstance(
                node.targets[0], ast.Name):
            places[node.targets[0].id] = node
    missing = sorted(set(values) - set(places))
    if missing:
        raise KeyError(f'the template has no {missing[0]!r}')
    first = min(node.lineno for node in places.values())
    for name in sorted(values, key=lambda n: -places[n].lineno):
        node = places[name]
        end = (node.end_lineno or node.lineno) - 1
        behind = lines[end].encode()[node.end_col_offset or 0:].decode()
        lines[node.lineno - 1:end + 1] = [
            _assignment(name, values[name]) + behind
        ]
    return '\n'.join([header, *lines[first - 1:], ''])


def rebase(out: str | os.PathLike[str], model: str) -> list[str]:
    """``_base_`` of a config at ``out``: relative within a clone.

    Raises:
        ConfigError: No such model.
    """
    if model not in model_names():
        raise ConfigError(f'--model {model!r} is unknown: choose from '
                          f'{", ".join(model_names())}.')
    parts = (f'models/{model}.py', 'schedules/sgd_30e.py',
             'default_runtime.py')
    folder, root = Path(out).resolve().parent, clone()
    if root is not None and folder.is_relative_to(root):
        bases = [CONFIGS / '_base_' / part for part in parts]
        return [os.path.relpath(base, folder) for base in bases]
    return [f'mmmultas::_base_/{part}' for part in parts]


def _assignment(name: str, value: Any) -> str:
    plain = f'{name} = {value!r}'
    if len(plain) <= 79 or not isinstance(value, (list, tuple, dict)):
        return plain
    if isinstance(value, dict) and all(k.isidentifier() for k in value):
        return f'{name} = {_dict_text(value)}'
    start, *rest = pprint.pformat(value, width=74, compact=True).splitlines()
    body = '\n'.join(' ' * 4 + line.strip() for line in (start[1:], *rest))
    return f'{name} = {start[0]}\n{body[:-1]}\n{body[-1]}'


def _dict_text(value: Any, indent: int = 0) -> str:
    """``dict(a=1)``, an entry a line where it is long."""
    if not isinstance(value, dict):
        return repr(value)
    entries = [f'{k}={_dict_text(v, indent + 4)}' for k, v in value.items()]
    plain = f'dict({", ".join(entries)})'
    if len(plain) + indent <= 70 and '\n' not in plain:
        return plain
    pad = '\n' + ' ' * (indent + 4)
    return f'dict({pad}' + f',{pad}'.join(entries) + ')'
