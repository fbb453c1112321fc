import importlib
import re
from pathlib import Path

import pytest

import mmmultas
from mmmultas.utils.moved import moved

ROOT = Path(mmmultas.__file__).parents[1]
PLACES = [
    (path, re.findall(r"'([\w.]+)'", path.read_text()))
    for path in sorted((ROOT / 'mmmultas').rglob('*.py'))
    if '__getattr__ = moved(' in path.read_text()
]


@pytest.mark.parametrize('path, new', PLACES, ids=lambda x: str(x)[-30:])
def test_old_paths_lead_to_the_same_things(path, new):
    old = importlib.import_module('.'.join(
        path.relative_to(ROOT).with_suffix('').parts))
    for now in map(importlib.import_module, new):
        for name in now.__all__:
            with pytest.warns(DeprecationWarning,
                              match=f'import {name} from {now.__name__}'):
                assert getattr(old, name) is getattr(now, name)


def test_what_is_nowhere_is_said_so():
    assert len(PLACES) >= 5
    find = moved('old', 'mmmultas.utils.moved')
    for name in ('gone', '__path__'):
        with pytest.raises(AttributeError, match=f'no attribute .{name}'):
            find(name)
