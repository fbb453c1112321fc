"""What the documentation says works."""
import re
from pathlib import Path

import pytest

from mmmultas import registry

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / 'docs').glob('*.md')) + [
    ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md',
                             'SECURITY.md')
]
RUN = ('add_a_task', 'add_a_loss')


def _forget(page):
    """What a page registers is nothing that other tests should meet."""
    for name in registry.__all__:
        known = getattr(registry, name).module_dict
        for key in [k for k, v in known.items() if v.__module__ == page]:
            del known[key]


@pytest.mark.parametrize('name', RUN)
def test_code_blocks_run(name, tmp_path):
    text = (ROOT / f'docs/{name}.md').read_text()
    blocks = re.findall(r'^```python\n(.*?)^```', text, re.S | re.M)
    assert len(blocks) > 3
    names = dict(work_dir=str(tmp_path), __name__=f'docs_{name}')
    try:
        for block in blocks:
            exec(compile(block, name, 'exec'), names)
    finally:
        _forget(names['__name__'])
    if name == 'add_a_task':
        # it starts near 20 degrees and the scenes have 17 and 37
        assert 0 < names['metrics']['heat/error'] < 6
        assert names['celsius'].shape == (64, 64)
        assert (tmp_path / 'out/heat/3.png').is_file()


@pytest.mark.parametrize('path', PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r'\]\(([^)#]+)', path.read_text()):
        if not target.startswith('http'):
            assert (path.parent / target).exists(), target


def test_every_page_is_in_the_index():
    index = (ROOT / 'docs/README.md').read_text()
    for path in (ROOT / 'docs').glob('*.md'):
        if path.name != 'README.md':
            assert f'({path.name})' in index


@pytest.mark.parametrize('path', PAGES, ids=lambda p: p.name)
def test_files_that_are_named_exist(path):
    """Configs, tools and modules in the text are there."""
    text = path.read_text()
    names = re.findall(
        r'(?<![\w/{])((?:configs|tools|mmmultas|benchmarks|tests)/'
        r'[\w./-]+\.(?:py|sh|md|yml|json))\b', text)
    for name in names:
        assert (ROOT / name).exists(), name
