import importlib
import re
import warnings
from pathlib import Path

import pytest

import mmmultas
from mmmultas.utils.moved import moved

ROOT = Path(mmmultas.__file__).parents[1]
PLACES = [(path, *re.search(r"moved\((__name__), '([\w.]+)'\)",
                            path.read_text()).groups())
          for path in sorted((ROOT / 'mmmultas').rglob('*.py'))
          if '__getattr__ = moved(' in path.read_text()]


@pytest.mark.parametrize('path, _, new', PLACES, ids=lambda x: str(x)[-30:])
def test_old_paths_lead_to_the_same_things(path, _, new):
    old = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    module, now = (importlib.import_module(n) for n in (old, new))
    for name in now.__all__:
        with pytest.warns(DeprecationWarning, match=f'import {name} from'):
            assert getattr(module, name) is getattr(now, name)


def test_what_is_nowhere_is_said_so():
    assert len(PLACES) >= 5
    find = moved('old', 'mmmultas.utils.moved')
    with pytest.warns(DeprecationWarning), pytest.raises(
            AttributeError, match='no attribute .gone'):
        find('gone')
    with warnings.catch_warnings(), pytest.raises(AttributeError):
        warnings.simplefilter('error')
        find('__path__')
