"""The site (`make docs`) has every page, and its links lead there."""
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def load(name):
    spec = importlib.util.spec_from_file_location(
        f'site_{name}', ROOT / f'docs/site/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hooks = load('hooks')


def leaves(nav):
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for value in entry.values():
                yield from leaves([value] if isinstance(value, str) else value)


def test_every_page_is_in_the_navigation():
    config = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
    named = list(leaves(hooks.on_config(config)['nav']))
    assert len(set(named)) == len(named)
    pages = {path.name for path in (ROOT / 'docs').glob('*.md')}
    pages |= set(hooks.ELSEWHERE.values())
    pages |= {f'api/{room}.md' for room in hooks.rooms()}
    assert set(named) == pages


@pytest.mark.parametrize('page, link, moved', [
    ('running.md', '[a](../benchmarks/README.md#b)', '[a](benchmarks.md#b)'),
    ('running.md', '[a](data.md)', '[a](data.md)'),
    ('running.md', '[a](#speed)', '[a](#speed)'),
    ('running.md', '![a](images/demo.png)', '![a](images/demo.png)'),
    ('changelog.md', '[a](docs/heads.md)', '[a](heads.md)'),
    ('contributing.md', '[a](SECURITY.md)', '[a](security.md)'),
    ('benchmarks.md', '[a](results/voc-mini/)',
     'a (`benchmarks/results/voc-mini`)'),
    ('benchmarks.md', '[a](https://b.c)', '[a](https://b.c)'),
    # nowhere: mkdocs will mind
    ('running.md', '[a](nowhere.md)', '[a](nowhere.md)'),
    ('changelog.md', '[a](nowhere.md)', '[a](nowhere.md)'),
])
def test_links(page, link, moved):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    assert hooks.on_page_markdown(f'x {link} y', page) == f'x {moved} y'


def test_pages_of_rooms_have_their_modules():
    text = hooks.api_page('engine')
    assert '::: mmmultas.engine.streams\n' in text
    assert '::: mmmultas.engine.hooks.checkpoint\n' in text
    assert 'testing' not in hooks.rooms()


def test_docstrings_become_what_the_site_can_show():
    pytest.importorskip('griffe', reason='`make docs` installs it')
    text = 'A.\n\nSee :func:`f`.\n\nExample:\n    >>> 1\n    1\n'
    obj = SimpleNamespace(docstring=SimpleNamespace(value=text))
    load('docstrings').Docstrings().on_instance(obj=obj)
    assert obj.docstring.value == (
        'A.\n\nSee `f`.\n\nExamples:\n    >>> 1\n    1\n')
