import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mmmultas.report.svg import (Line, bars, dot_plot, heat_matrix, line_chart,
                                 ticks)


def points(svg):
    root = ET.fromstring(svg)  # it is well-formed
    return [[tuple(map(float, p.split(','))) for p in
             line.get('points').split()] for line in root.iter('polyline')]


def test_ticks():
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert ticks(18.3, 26.1) == [20, 22, 24, 26]
    assert ticks(-0.1, 0.1) == [-0.1, -0.05, 0, 0.05, 0.1]
    assert ticks(2, 2) == [2] and ticks(math.nan, 1) == []


def test_lines():
    svg = line_chart(
        [Line('a<b', 9, [0, 10], [0.0, 1.0]),
         Line('gap', 1, [0, 4, 5, 6], [0.5, math.nan, 0.2, 0.3]),
         Line('raw', 0, [0, 10], [50.0, 0.5], faint=True)], 'epoch <x>')
    assert 'a&lt;b' in svg and 'epoch &lt;x&gt;' in svg
    raw, first, *rest = points(svg)
    assert first[0][1] > first[1][1] and first[0][0] < first[1][0]
    # a gap breaks the curve; a single point is drawn
    assert [len(piece) for piece in rest] == [2, 2]
    # the faint one decides nothing, and stays within the frame
    assert raw[0][1] == 8
    assert 's1 d1' in svg and 'zero' not in svg
    assert 'class="zero"' in line_chart([Line('', 0, [0], [5.0])], '', None,
                                        None, True)


def test_no_values():
    assert points(line_chart([], 'x')) == []
    assert points(line_chart([Line('n', 0, [1], [math.nan])], 'x')) == []
    assert dot_plot([]) == ''


def test_dots():
    svg = dot_plot([('a & b', 0, [1.0, 3.0]), ('c', 1, [2.0])], 2.0)
    root = ET.fromstring(svg)
    xs = [float(c.get('cx')) for c in root.iter('circle')]
    assert xs[2] == pytest.approx((xs[0] + xs[1]) / 2)
    [line] = [one for one in root.iter('line')
              if one.get('class') == 'reference']
    assert float(line.get('x1')) == pytest.approx(xs[2])
    assert 'a &amp; b' in svg and '2.00' in svg
    ET.fromstring(dot_plot([('one', 0, [0.0])]))


def test_bars():
    root = ET.fromstring(bars(['Cls', 'Loc'], [('a', 0, [1.0, 4.0]),
                                               ('b', 1, [0.0, 2.0])], 'dAP'))
    heights = [float(r.get('height')) for r in root.iter('rect')]
    assert heights[2] == pytest.approx(4 * heights[0], rel=0.02)
    assert heights[1] == 0
    ET.fromstring(bars(['Cls'], [], ''))


def test_matrix():
    svg = heat_matrix(np.array([[3, 1], [0, 0]]), ['cat', '<dog>'])
    assert re.findall(r'fill-opacity="([\d.]+)"', svg) == ['0.75', '0.25']
    assert '&lt;dog&gt;' in svg
    ET.fromstring(svg)
