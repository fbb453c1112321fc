"""Where the files lie that are no modules, in a clone and installed."""
import subprocess
from pathlib import Path

__all__ = ['clone', 'commit']

_PACKAGE = Path(__file__).resolve().parents[1]


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
