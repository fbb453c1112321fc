"""A report as one HTML file that needs nothing else."""
import base64
from collections.abc import Callable
from html import escape
from typing import Any

from .blocks import (Bullets, Entry, Gallery, Legend, Panel, Report, Section,
                     Skipped, Table, Text)
from .style import STYLE
from .svg import series_class

__all__ = ['to_html']

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><p>{lead}</p><nav>{nav}</nav></header>
<main>
{sections}
</main>
</body>
</html>
"""


def to_html(report: Report) -> str:
    """The page; all that comes from files is escaped."""
    nav = ' '.join(f'<a href="#{escape(s.anchor)}">{escape(s.title)}</a>'
                   for s in report.sections)
    return _PAGE.format(
        title=escape(report.title), lead=escape(report.lead), style=STYLE,
        nav=nav, sections='\n'.join(map(_section, report.sections)))


def _section(section: Section) -> str:
    blocks = '\n'.join(_BLOCKS[type(block)](block)
                       for block in section.blocks)
    return (f'<section id="{escape(section.anchor)}">'
            f'<h2>{escape(section.title)}</h2>\n{blocks}</section>')


def _text(block: Text) -> str:
    if block.kind == 'head':
        return f'<h3>{escape(block.text)}</h3>'
    kind = ' class="note"' if block.kind == 'note' else ''
    return f'<p{kind}>{escape(block.text)}</p>'


def _skipped(block: Skipped) -> str:
    return f'<p class="skipped">{escape(block.why)}</p>'


def _bullets(block: Bullets) -> str:
    items = ''.join(f'<li>{escape(item)}</li>' for item in block.items)
    return f'<ul>{items}</ul>'


def _table(block: Table) -> str:
    starts = set()
    place = 0
    for _, width in block.groups:
        starts.add(place)
        place += width
    above = ''.join(
        f'<th colspan="{width}" scope="colgroup"{_start(k, starts)}>'
        f'{escape(name)}</th>'
        for k, (name, width) in zip(sorted(starts), block.groups))
    head = ''.join(f'<th scope="col"{_start(k, starts)}>{escape(name)}</th>'
                   for k, name in enumerate(block.header))
    rows = ''.join(
        '<tr>' + ''.join(_entry(entry, k, starts)
                         for k, entry in enumerate(row)) + '</tr>'
        for row in block.rows)
    above = f'<tr class="groups">{above}</tr>' if above else ''
    notes = ''.join(f'<p class="small">{escape(n)}</p>' for n in block.notes)
    table = (f'<div class="wide"><table><thead>{above}<tr>{head}</tr></thead>'
             f'<tbody>{rows}</tbody></table></div>{notes}')
    return _folded(table, block.fold)


def _entry(entry: Entry, place: int, starts: set[int]) -> str:
    text = escape(entry.text)
    kinds = [kind for kind, on in (
        ('best', entry.best), (entry.mood, entry.mood),
        ('start', place and place in starts)) if on]
    shade = f' style="--shade:{entry.shade:.2f}"' if entry.shade else ''
    if entry.shade:
        kinds.append('shade')
    kind = f' class="{" ".join(kinds)}"' if kinds else ''
    if entry.best:
        text = f'<span class="mark">●</span> {text}'
    if entry.colour is not None:
        text = _swatch(entry.colour) + text
    if place == 0:
        return f'<th scope="row"{kind}>{text}</th>'
    return f'<td{kind}{shade}>{text}</td>'


def _start(place: int, starts: set[int]) -> str:
    return ' class="start"' if place and place in starts else ''


def _swatch(number: int) -> str:
    return ('<svg class="swatch" viewBox="0 0 22 10" aria-hidden="true">'
            f'<line class="line {series_class(number)}" x1="1" x2="21" '
            'y1="5" y2="5"/></svg>')


def _legend(block: Legend) -> str:
    items = ''.join(f'<li>{_swatch(number)}{escape(name)}</li>'
                    for name, number in block.names)
    return f'<ul class="legend">{items}</ul>'


def _gallery(block: Gallery) -> str:
    title = f'<h3>{escape(block.title)}</h3>' if block.title else ''
    panels = ''.join(map(_panel, block.panels))
    swatches = ''.join(
        f'<li><i style="background:rgb{colour}"></i>{escape(name)}</li>'
        for name, colour in block.swatches)
    swatches = f'<ul class="legend">{swatches}</ul>' if swatches else ''
    caption = (f'<p class="small">{escape(block.caption)}</p>'
               if block.caption else '')
    return _folded(
        f'{title}<div class="gallery" style="--panel:{block.width}px">'
        f'{panels}</div>{swatches}{caption}', block.fold)


def _panel(panel: Panel) -> str:
    body = panel.svg
    if panel.jpeg:
        data = base64.b64encode(panel.jpeg).decode()
        body = (f'<img alt="{escape(panel.title)}" '
                f'src="data:image/jpeg;base64,{data}">')
    title = (f'<h4>{escape(panel.title)}</h4>' if panel.title else '')
    caption = (f'<figcaption>{escape(panel.caption)}</figcaption>'
               if panel.caption else '')
    return f'<figure>{title}{body}{caption}</figure>'


def _folded(content: str, title: str) -> str:
    if not title:
        return content
    return (f'<details><summary>{escape(title)}</summary>{content}</details>')


_BLOCKS: dict[type, Callable[[Any], str]] = {
    Text: _text,
    Skipped: _skipped,
    Bullets: _bullets,
    Table: _table,
    Legend: _legend,
    Gallery: _gallery,
}
