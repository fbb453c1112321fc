import re

import pytest
from in_process import run_tool

from mmmultas.report.blocks import Gallery, Panel, Report, Section, Text
from mmmultas.report.build import ReportOptions, cut_to, write_report


@pytest.fixture(scope='module')
def written(toys, tmp_path_factory):
    out = tmp_path_factory.mktemp('report')
    html, text = write_report(
        [toys.work], out, ReportOptions(toys.matrix, max_pictures=2))
    return html.read_text(), text.read_text()


def test_the_page_needs_nothing_else(written):
    html, _ = written
    assert 'http' not in html and '<script' not in html
    assert '<link' not in html and 'url(' not in html


def test_all_sections_have_content(written):
    html, text = written
    for title in ('Summary', 'Results', 'Learning curves', 'Classes',
                  'Pictures', 'Mistakes', 'Gradient conflict'):
        assert f'<h2>{title}</h2>' in html and f'## {title}' in text
    assert 'late (seed 0)' in html and 'late (seed 0)' in text
    assert 'four images only' in html and 'four images only' in text
    assert 'Toys &amp; &lt;b&gt;bolts' in html
    # the third image differs; of each Grad-CAM four panels
    assert '1. a_3' in html and 'a_1:' not in html
    assert html.count('data:image/jpeg;base64,') == 3 + 4
    assert 'Confusions of detection' in html
    assert 'No run measured it' in html


def test_both_hold_the_same_figures(written):
    html, text = written
    rows = [line for line in text.splitlines() if line.startswith('| ')]
    figures = {n for row in rows for n in re.findall(r'[+−]?\d+\.\d+', row)}
    assert {'75.00', '+25.00', '+30.00', '42.50'} <= figures
    shown = re.sub(r'<svg.*?</svg>|<style>.*?</style>', '', html, flags=re.S)
    assert figures == {
        n for row in re.findall(r'<tr>.*?</tr>', shown, re.S)
        for n in re.findall(r'[+−]?\d+\.\d+', re.sub('<.*?>', ' ', row))}


def test_the_tool(toys, tmp_path):
    done = run_tool('report', toys.work, '--out', tmp_path / 'out',
                    '--max-pictures', 0, '--no-cam', '--title', 'A <i> B')
    assert done.returncode == 0, done.stderr
    html = (tmp_path / 'out/index.html').read_text()
    assert '<h1>A &lt;i&gt; B</h1>' in html
    # without the matrix the titles of the results stand there
    assert '&lt;script&gt;alert(1)&lt;/script&gt;' in html
    assert '<script' not in html and 'No pictures were asked for' in html
    failed = run_tool('report', tmp_path / 'gone')
    assert failed.returncode and 'is no folder' in failed.stderr
    assert 'Traceback' not in failed.stderr


def test_too_many_pictures():
    def gallery(size):
        return Gallery([Panel('a', jpeg=b'x' * size)] * 2)

    report = Report('', '', [Section('a', [gallery(300)]),
                             Section('b', [Text('t'), gallery(300),
                                           gallery(30)])])
    cut_to(report, 10_000)
    assert len(report.sections[1].blocks) == 3
    cut_to(report, 900)
    a, b = report.sections
    assert len(a.blocks) == 1
    assert b.blocks[0].text == 't'
    assert b.blocks[1].why.startswith('4 pictures and charts are cut')
