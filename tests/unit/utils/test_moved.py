import importlib
import sys

import pytest

import mmmultas.apis
from mmmultas.utils.moved import MovedModules, moved

PLACES = mmmultas.apis._PLACES


@pytest.mark.parametrize('old', sorted(PLACES))
def test_old_paths_lead_to_the_same_things(old):
    module = importlib.import_module(old)
    for now in map(importlib.import_module, PLACES[old]):
        for name in now.__all__:
            with pytest.warns(DeprecationWarning,
                              match=f'import {name} from {now.__name__}'):
                assert getattr(module, name) is getattr(now, name)


def test_old_names_of_the_package():
    with pytest.warns(DeprecationWarning, match='from mmmultas.analysis'):
        from mmmultas.apis import browse_streams
    assert browse_streams is mmmultas.analysis.browse_streams
    with pytest.raises(ImportError, match='gone'):
        from mmmultas.apis import gone  # noqa: F401


def test_what_is_nowhere_is_said_so():
    find = moved('old', 'mmmultas.utils.moved')
    for name in ('gone', '__path__'):
        with pytest.raises(AttributeError, match=f'no attribute .{name}'):
            find(name)


def test_real_modules_come_first(monkeypatch):
    monkeypatch.setattr(sys, 'meta_path', list(sys.meta_path))
    MovedModules({
        'mmmultas.apis.publish': ['mmmultas.utils.moved'],
        'mmmultas.apis.gone_from_here': ['mmmultas.utils.moved'],
    }).install()
    assert importlib.import_module(
        'mmmultas.apis.publish').__file__.endswith('publish.py')
    gone = importlib.import_module('mmmultas.apis.gone_from_here')
    with pytest.warns(DeprecationWarning, match='gone_from_here has moved'):
        assert gone.moved is moved
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('mmmultas.apis.never_there')
