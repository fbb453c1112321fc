"""Read the text of a config as data; nothing in it is executed."""
import ast
from typing import Any

from .errors import CheckpointError

__all__ = ['parse_config_text']

#: Names that stand for values in the text of a config.
_NAMED = {'inf': float('inf'), 'nan': float('nan')}


def parse_config_text(text: str, source: str) -> dict[str, Any]:
    """Turn the text that MMEngine saves of a config into plain values.

    Assignments of literals and of ``dict(...)`` are all that it may hold.

    Args:
        text: For example ``Config.pretty_text``.
        source: Where it is from, for the message.

    Raises:
        CheckpointError: It does not parse, or would have to be executed.

    Example:
        >>> parse_config_text('model = dict(depth=18, lr=[-1.0])', 'x.pth')
        {'model': {'depth': 18, 'lr': [-1.0]}}
    """
    try:
        body = ast.parse(text).body
        config = {}
        for node in body:
            if not (isinstance(node, ast.Assign) and len(node.targets) == 1
                    and isinstance(node.targets[0], ast.Name)):
                raise _NotPlain(node)
            config[node.targets[0].id] = _value(node.value)
    except _NotPlain as error:
        node = error.args[0]
        shown = (ast.get_source_segment(text, node) or '')[:60]
        raise CheckpointError(
            f'The config in {source} is refused, since line {node.lineno} '
            f'({shown!r}) is no plain value and a config from a checkpoint '
            'is never executed: give the config file itself (--config).'
        ) from None
    except (SyntaxError, ValueError, TypeError, RecursionError,
            MemoryError) as error:
        raise CheckpointError(
            f'The config in {source} does not parse '
            f'({type(error).__name__}): give the config file itself '
            '(--config).') from None
    return config


class _NotPlain(Exception):
    """A node that is no plain value."""


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in _NAMED:
        return _NAMED[node.id]
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        kind = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return kind(_value(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        return _mapping(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        if type(number) in (int, float):
            return -number
    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == 'dict'):
        return _called(node)
    raise _NotPlain(node)


def _mapping(node: ast.Dict) -> dict[Any, Any]:
    result = {}
    for key, value in zip(node.keys, node.values):
        if key is None:  # **other
            raise _NotPlain(node)
        result[_value(key)] = _value(value)
    return result


def _called(node: ast.Call) -> dict[Any, Any]:
    """``dict(a=1)`` or ``dict({'a/b': 1})``."""
    result: dict[Any, Any] = {}
    for argument in node.args:
        if not isinstance(argument, ast.Dict) or len(node.args) > 1:
            raise _NotPlain(node)
        result.update(_mapping(argument))
    for keyword in node.keywords:
        if keyword.arg is None:
            raise _NotPlain(node)
        result[keyword.arg] = _value(keyword.value)
    return result
