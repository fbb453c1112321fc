"""Keys of a config file that are taken and change nothing."""
import ast
import difflib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ['idle_keys']

#: Keys of a model that stand at the top of a file by mistake.
_OF_MODELS = ('balancer', 'task_weights')


def idle_keys(path: Path, cfg: Mapping[str, Any],
              known: Collection[str]) -> Iterator[str]:
    """A sentence for each key that a file sets in vain.

    Args:
        path: A config file.
        cfg: What it says, with all that it inherits.
        known: Keys that a runner reads.
    """
    try:
        tree = ast.parse(path.read_text())
    except (OSError, ValueError, SyntaxError):
        return
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    inherits = any(n.id == '_base_' for n in names)
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(
                node.targets[0], ast.Name):
            continue
        key = node.targets[0].id
        if key in read or key in known or key not in cfg:
            continue
        if why := _why(key, cfg, known, inherits):
            yield f'`{key}` in {path} changes nothing: {why}'


def _why(key: str, cfg: Mapping[str, Any], known: Collection[str],
         inherits: bool) -> str:
    if isinstance(cfg[key], Mapping):
        near = difflib.get_close_matches(key, known, 1, .85)
        if near:
            return f'did you mean {near[0]!r}?'
        if key in _OF_MODELS and not (cfg.get('model') or {}).get(key):
            return f'it is a key of `model`, model = dict({key}=...).'
        return ''  # files that inherit from this one may read it
    if not inherits:
        return ''
    return ('what a file inherits was computed before it is read. Set what '
            'the value decides instead, such as train_cfg = dict('
            'max_epochs=...), or change it in the file that computes.')
