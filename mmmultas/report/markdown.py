"""A report as Markdown: the same words and figures, without pictures."""
import re
from collections.abc import Callable
from typing import Any

from .blocks import (Bullets, Entry, Gallery, Legend, Report, Section,
                     Skipped, Table, Text)

__all__ = ['to_markdown']


def to_markdown(report: Report) -> str:
    """The text of the page; what Markdown or HTML would act on is escaped."""
    parts = [f'# {_plain(report.title)}', _plain(report.lead)]
    parts += map(_section, report.sections)
    return '\n\n'.join(part for part in parts if part) + '\n'


def _section(section: Section) -> str:
    blocks = [_BLOCKS[type(block)](block) for block in section.blocks]
    return '\n\n'.join(
        [f'## {_plain(section.title)}', *(b for b in blocks if b)])


def _text(block: Text) -> str:
    start = {'head': '### ', 'note': '> '}.get(block.kind, '')
    return start + _plain(block.text)


def _skipped(block: Skipped) -> str:
    return f'*{_plain(block.why)}*'


def _bullets(block: Bullets) -> str:
    return '\n'.join(f'- {_plain(item)}' for item in block.items)


def _table(block: Table) -> str:
    lines = [list(map(_plain, block.header))]
    lines.append([':--', *['--:'] * (len(block.header) - 1)])
    lines += [list(map(_entry, row)) for row in block.rows]
    table = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    named = [f'{name} ({width})' for name, width in block.groups if name]
    groups = 'Columns after the first: ' + _plain(
        ', then '.join(named)) + '.' if named else ''
    title = f'### {_plain(block.fold)}' if block.fold else ''
    notes = '\n'.join(f'- {_plain(note)}' for note in block.notes)
    return '\n\n'.join(p for p in (title, groups, table, notes) if p)


def _entry(entry: Entry) -> str:
    text = _plain(entry.text)
    return f'**● {text}**' if entry.best else text


def _legend(block: Legend) -> str:
    return ''


def _gallery(block: Gallery) -> str:
    if not block.panels:
        return ''
    titles = list(dict.fromkeys(p.title for p in block.panels if p.title))
    where = f'In index.html: {", ".join(titles) or "pictures"}.'
    captions = [p.caption for p in block.panels if p.caption]
    title = block.title or block.fold
    parts = [f'### {_plain(title)}'] if title else []
    parts.append('*' + _plain(where) + '*')
    parts += [_plain(text) for text in [*captions, block.caption] if text]
    return '\n\n'.join(parts)


def _plain(text: str) -> str:
    """One line in which nothing is markup."""
    text = text.replace('&', '&amp;').replace('<', '&lt;')
    return re.sub(r'([\\`*_\[\]|])', r'\\\1', ' '.join(text.split()))


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Text: _text,
    Skipped: _skipped,
    Bullets: _bullets,
    Table: _table,
    Legend: _legend,
    Gallery: _gallery,
}
