"""What mkdocs does not know of this repository: pages that lie elsewhere.

``benchmarks/README.md`` and others become pages of the site, and so does
every room of the package; links lead to them, or become names of files.
"""
import ast
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: File of the repository → page of the site.
ELSEWHERE = {
    'benchmarks/README.md': 'benchmarks.md',
    'CHANGELOG.md': 'changelog.md',
    'CONTRIBUTING.md': 'contributing.md',
    'SECURITY.md': 'security.md',
}
_LINK = re.compile(r'(!?)\[([^\]]*)\]\(([^)\s]+)\)')


def on_config(config: Any) -> Any:
    """Put the rooms into the navigation."""
    for entry in config['nav']:
        if entry == {'Reference': 'API'}:
            entry['Reference'] = [f'api/{room}.md' for room in rooms()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie elsewhere, and those of the rooms."""
    from mkdocs.structure.files import File
    for source, page in ELSEWHERE.items():
        files.append(
            File.generated(config, page, content=(ROOT / source).read_text()))
    for room in rooms():
        files.append(
            File.generated(config, f'api/{room}.md', content=api_page(room)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links lead to pages of the site."""
    source = {v: k for k, v in ELSEWHERE.items()}.get(
        page.file.src_uri, f'docs/{page.file.src_uri}')
    return _LINK.sub(lambda link: _moved(link, source), markdown)


def rooms() -> list[str]:
    """The packages of mmmultas that a user may import from."""
    return sorted(path.parent.name
                  for path in (ROOT / 'mmmultas').glob('*/__init__.py')
                  if path.parent.name != 'testing')


def api_page(room: str) -> str:
    """A page of all modules of a room that export something."""
    folder = ROOT / 'mmmultas' / room
    text = ast.get_docstring(ast.parse((folder / '__init__.py').read_text()))
    lines = [f'# mmmultas.{room}', '', text or '', '']
    for path in sorted(folder.rglob('*.py')):
        if path.name != '__init__.py' and '__all__' in path.read_text():
            name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
            lines += [f'## {name.removeprefix("mmmultas.")}', '',
                      f'::: {name}', '    options:',
                      '      show_root_heading: false',
                      '      show_root_toc_entry: false', '']
    return '\n'.join(lines)


def _moved(link: re.Match[str], source: str) -> str:
    mark, text, target = link.groups()
    if re.match(r'[a-z]+:|#', target):
        return link[0]
    path, hash_, anchor = target.partition('#')
    there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if there in ELSEWHERE:
        return f'{mark}[{text}]({ELSEWHERE[there]}{hash_}{anchor})'
    if there.startswith('docs/'):
        inside = posixpath.relpath(there, 'docs')
        return f'{mark}[{text}]({inside}{hash_}{anchor})'
    if (ROOT / there).exists():
        # in the repository, and not on the site
        return f'{text} (`{there}`)'
    return link[0]
