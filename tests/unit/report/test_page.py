from html.parser import HTMLParser

from mmmultas.report.blocks import (Bullets, Entry, Gallery, Legend, Panel,
                                    Report, Section, Skipped, Table, Text)
from mmmultas.report.page import to_html

EVIL = '<script>"\'&'
VOID = {'meta', 'img', 'line', 'path'}


class Tags(HTMLParser):
    """Asserts that tags close in order; counts them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def page_of(*blocks):
    html = to_html(Report(EVIL, EVIL, [Section(EVIL, list(blocks))]))
    tags = Tags()
    tags.feed(html)
    assert tags.open == [] and 'script' not in tags.seen
    assert EVIL not in html
    return html, tags.seen


def test_all_that_is_hostile_is_escaped():
    html, seen = page_of(
        Text(EVIL), Text(EVIL, 'note'), Text(EVIL, 'head'), Skipped(EVIL),
        Bullets([EVIL]), Legend([(EVIL, 1)]),
        Table([EVIL], [[Entry(EVIL)]], [EVIL], [(EVIL, 1)], EVIL),
        Gallery([Panel(EVIL, jpeg=b'x', caption=EVIL)], EVIL, EVIL,
                swatches=[(EVIL, (1, 2, 3))], fold=EVIL))
    assert html.count('&lt;script&gt;') > 15
    assert 'http' not in html
    assert {'table', 'img', 'details', 'h3'} <= set(seen)


def test_entries():
    html, _ = page_of(Table(
        ['a', 'b', 'c'], [[Entry('x', colour=9), Entry('1', best=True),
                           Entry('2', mood='up', shade=0.5)]],
        groups=[('', 1), ('two', 2)]))
    assert '<th scope="row"><svg class="swatch"' in html
    assert 's1 d1' in html
    assert '<td class="best start"><span class="mark">●</span> 1</td>' in html
    assert '<td class="up shade" style="--shade:0.50">2</td>' in html
    assert '<th colspan="2" scope="colgroup" class="start">two</th>' in html


def test_pictures_are_inside():
    html, _ = page_of(Gallery([Panel('t', jpeg=b'\xff\xd8'),
                               Panel('', svg='<svg></svg>')]))
    assert 'src="data:image/jpeg;base64,/9g="' in html
    assert '<figure><svg></svg></figure>' in html
