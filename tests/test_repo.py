"""The rules of the house that a machine can check."""
import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmmultas'
MODULES = sorted(PACKAGE.rglob('*.py'))
SOURCES = MODULES + sorted((ROOT / 'tools').rglob('*.py'))
SCRIPTS = [
    path for room in ('tools', 'benchmarks', 'tests/integration')
    for path in sorted((ROOT / room).rglob('*.py'))
    if not path.name.startswith('test_')
]
CONFIGS = sorted((ROOT / 'configs').glob('*/*.py'))

GROUND = {'structures', 'utils', 'registry'}
MIDDLE = GROUND | {
    'datasets', 'engine', 'evaluation', 'functional', 'models',
    'visualization'
}
#: What the rooms may import of mmmultas; `testing` stands above.
MAY_IMPORT = {
    'functional': set(),
    'utils': {'version'},
    'structures': {'utils'},
    'registry': set(),
    'datasets': GROUND,
    'models': GROUND | {'functional'},
    'engine': GROUND,
    'evaluation': GROUND | {'functional'},
    'visualization': GROUND | {'functional'},
    'apis': MIDDLE,
    'analysis': MIDDLE | {'apis'},
    'projects': GROUND | {'datasets', 'engine', 'evaluation'},
    'experiments': GROUND | {'version'},
    'report': MIDDLE | {'analysis', 'apis', 'experiments'},
}
FUNCTIONAL_MAY_USE = {
    'collections', 'functools', 'itertools', 'math', 'typing', 'numpy',
    'torch'
}
METHODS = (r'det|seg|depth|normals|edges|saliency|all-tasks|'
           r'mtl(_epoch|_full)?(_kd-\w+)?')
CONFIG_NAME = re.compile(
    # maps of classes are those of a backbone alone
    r'(rn18(-16)?|rn50|efflite0(-\d+)?|adapnetpp)_'
    rf'((fpn|pafpn|trident)_({METHODS})|cam|recam)'
    r'(_[a-z0-9]+(-[a-z0-9]+)*)*\.py'
    # the networks of MTPSL, for several dense tasks
    r'|(segnet(-16)?_(split|mtan)|rn18-d8_aspp)_dense(_[a-z0-9-]+)+\.py')


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def parse(path):
    return ast.parse(path.read_text(), str(path))


def imported(path):
    """Absolute names of all that a module imports, wherever it does so."""
    package = path.relative_to(ROOT).with_suffix('').parts
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[:-node.level]) if node.level else []
            base += [node.module] if node.module else []
            yield from ('.'.join((*base, alias.name))
                        for alias in node.names)


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_layers(path):
    room = path.relative_to(PACKAGE).with_suffix('').parts[0]
    for name in imported(path):
        parts = name.split('.')
        if parts[0] == 'mmmultas' and parts[1:] and room in MAY_IMPORT:
            known = MAY_IMPORT[room] | {room}
            assert parts[1] in known, f'{room} must not import {name}'
        if room == 'functional' and parts[0] != 'mmmultas':
            assert parts[0] in FUNCTIONAL_MAY_USE, name


@pytest.mark.parametrize('path', MODULES, ids=name_of)
def test_exports(path):
    tree = parse(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.names[0].name != '*', 'import names, not a star'
    exports = [
        ast.literal_eval(node.value) for node in tree.body
        if isinstance(node, ast.Assign)
        and getattr(node.targets[0], 'id', '') == '__all__'
    ]
    if path.name == '__init__.py':
        assert exports, 'a package lists __all__'
    if exports:
        module = importlib.import_module('.'.join(
            path.relative_to(ROOT).with_suffix('').parts).removesuffix(
                '.__init__'))
        missing = [n for n in exports[0] if not hasattr(module, n)]
        assert not missing


@pytest.mark.parametrize('path', SOURCES, ids=name_of)
def test_lengths(path):
    text = path.read_text()
    assert text.count('\n') <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            start = body[0].lineno if body else node.lineno
            lines = node.end_lineno - start + 1
            assert lines <= 40, f'{node.name} has {lines} lines'


@pytest.mark.parametrize(
    'path', [p for p in MODULES if p.name != '__init__.py'], ids=name_of)
def test_every_module_has_its_test(path):
    inside = path.relative_to(PACKAGE)
    if inside.name == 'version.py':
        return
    test = ROOT / 'tests/unit' / inside.parent / f'test_{inside.name}'
    assert test.is_file(), f'{name_of(test)} is missing'


def test_every_unit_test_has_its_module():
    for test in sorted((ROOT / 'tests/unit').rglob('test_*.py')):
        inside = test.relative_to(ROOT / 'tests/unit')
        name = inside.parent / inside.name.removeprefix('test_')
        # the second top-level module stands beside the package
        assert (PACKAGE / name).is_file() or (ROOT / name).is_file(), (
            f'{name_of(test)} tests no module')


def test_docstrings():
    named, documented = [], 0
    for path in SOURCES:
        tree = parse(path)
        public = [tree] + [
            node for parent in ast.walk(tree)
            if isinstance(parent, ast.Module | ast.ClassDef)
            for node in parent.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            and not node.name.startswith('_')
        ]
        for node in public:
            if ast.get_docstring(node):
                documented += 1
            else:
                named.append(f'{path.stem}.{getattr(node, "name", "")}')
    share = documented / (documented + len(named))
    assert share >= 0.9, f'{share:.0%} have one; missing: {named}'


@pytest.mark.parametrize(
    'path', sorted((PACKAGE / 'functional').glob('[a-z]*.py')), ids=name_of)
def test_examples_of_functional(path):
    module = importlib.import_module(f'mmmultas.functional.{path.stem}')
    names = {'np': importlib.import_module('numpy'),
             'torch': importlib.import_module('torch')}
    results = doctest.testmod(module, extraglobs=names, verbose=False)
    public = [name for name in module.__all__
              if inspect.isfunction(getattr(module, name))]
    silent = [name for name in public
              if '>>>' not in (getattr(module, name).__doc__ or '')]
    assert results.failed == 0
    assert not silent, f'{silent} have no example'


@pytest.mark.parametrize(
    'path', [p for p in MODULES if '>>>' in p.read_text()], ids=name_of)
def test_examples_of_all_rooms(path):
    name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
    module = importlib.import_module(name.removesuffix('.__init__'))
    names = {'np': importlib.import_module('numpy'),
             'torch': importlib.import_module('torch')}
    assert doctest.testmod(module, extraglobs=names).failed == 0


@pytest.mark.parametrize('path', SCRIPTS, ids=name_of)
def test_ours_are_imported_first(path):
    """MMDetection does not import where no operators are compiled."""
    rooms = [name.split('.')[0] for name in imported(path)]
    stock = [i for i, room in enumerate(rooms)
             if room in ('mmcv', 'mmdet', 'mmseg')]
    assert not stock or 'mmmultas' in rooms[:stock[0]]


@pytest.mark.parametrize('path', CONFIGS, ids=name_of)
def test_config_names(path):
    if path.parent.name == '_base_':
        return
    assert CONFIG_NAME.fullmatch(path.name), (
        '{backbone}_{neck}_{method}[_{variant}][_{data}].py')


@pytest.mark.parametrize('path', CONFIGS, ids=name_of)
def test_configs_inherit_only_our_own_bases(path):
    assert not re.search(r'(mmdet|mmseg)::', path.read_text())
    assert 'custom_imports' not in path.read_text()
