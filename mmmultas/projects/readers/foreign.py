"""Labels that cannot be read: what they are, and which export can."""
from collections import Counter
from pathlib import Path

from .base import load_json

__all__ = ['foreign_form']

_ARCHIVES = ('.zip', '.gz', '.tar', '.7z', '.rar')
_EXPORT = 'export them as COCO'


def foreign_form(path: Path) -> str:
    """What lies at a path, and what to do: a clause for a message.

    Example:
        >>> foreign_form(Path('/nowhere/boxes.json'))
        'does not exist: check the path'
    """
    if not path.exists():
        return 'does not exist: check the path'
    if path.is_dir():
        return _folder(path)
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        return 'is an archive: unpack it'
    if suffix == '.json':
        return _json(path)
    if suffix == '.csv':
        return f'is a table (csv): {_EXPORT}'
    if suffix in ('.record', '.tfrecord'):
        return f"is TensorFlow's record: {_EXPORT}"
    return f'is a {suffix or "file without suffix"}: {_EXPORT}'


def _json(path: Path) -> str:
    content = load_json(path)
    if content is None:
        return 'is no usable json file: export it again'
    if isinstance(content, list):
        first = content[0] if content else {}
        if isinstance(first, dict) and 'annotations' in first:
            return "is Label Studio's own json: export as COCO or YOLO there"
        return ("is COCO's list of results, or a json of another tool: "
                f'{_EXPORT}')
    keys = ', '.join(list(content)[:5])
    if any(str(k).startswith('_via') for k in content):
        return "is VIA's project file: export as COCO there"
    if 'shapes' in content:
        return ('is one json of LabelMe: give the folder with all of them')
    missing = [k for k in ('images', 'annotations', 'categories')
               if k not in content]
    if len(missing) < 3:
        return (f'is no COCO json, since it has no list {missing[0]!r}'
                if missing else 'is no COCO json: its lists are none') + (
                    f' (it has {keys}): {_EXPORT} "instances"')
    return f'is a json of another form (it has {keys}): {_EXPORT}'


def _folder(path: Path) -> str:
    suffixes = Counter(p.suffix.lower() or 'no suffix'
                       for p in path.rglob('*') if p.is_file())
    if not suffixes:
        return 'is an empty folder: check the path'
    listed = ', '.join(f'{n} {s}' for s, n in suffixes.most_common(4))
    jsons = sorted(path.rglob('*.json'))
    hint = f' (is {jsons[0]} meant?)' if jsons else ''
    return f'is a folder of {listed}{hint}: check the path'
