import numpy as np
import pytest

from mmmultas.datasets.map_facts import MapFacts
from mmmultas.projects.map_summary import judge_maps, map_text
from mmmultas.projects.stream_report import MapCounts, StreamReport


def stream(kind, *facts, unit=None, classes=None):
    report = StreamReport('train/x', False)
    report.meta = dict(x=dict(kind=kind, unit=unit))
    report.labelled['x'] = len(facts)
    if classes:
        report.classes['x'] = classes
    report.maps['x'] = MapCounts()
    for found in facts:
        report.maps['x'].add(found)
    return report


def values(*counts):
    """Pixels of value 0, 1 and 255."""
    found = np.zeros(256, np.int64)
    found[[0, 1, 255]] = counts
    return MapFacts(int(found.sum()), int(found[:2].sum()), 0, 0, 1, found)


@pytest.mark.parametrize('report, said', [
    (stream('depth', MapFacts(8, 4, 1, 2, 4), MapFacts(8, 8, .5, 1, 2),
            unit='m'), '0.5 to 4 m, middle 1.5 m; 75.0% of the pixels known'),
    (stream('depth', MapFacts(8, 4, 1, 2, 4)),
     '1 to 4, middle 2; 50.0% of the pixels known'),
    (stream('depth', MapFacts(8, 4, 1, 2, 4, odd=2)),
     '1 to 4, middle 2; 50.0% of the pixels known, 25.0% NaN or infinite'),
    (stream('normals', MapFacts(8, 2)), '25.0% of the pixels known'),
    (stream('edges', values(6, 2, 8)),
     '25.00% of the known pixels are a yes; 50.0% of the pixels known'),
])
def test_a_line_of_each_kind(report, said):
    assert map_text(report, 'x') == said


@pytest.mark.parametrize('report, said', [
    (stream('depth', MapFacts(8, 0)), "no valid pixel of 'x' at all"),
    (stream('depth', MapFacts(8, 8, 3, 3, 3)), 'one value alone (3)'),
    (stream('depth', MapFacts(8, 8, 500, 2000, 9000), unit='m'),
     "has 'x' from 500 to 9000 m, with 2000 m in the middle; see that "
     '`scale` makes metres'),
    (stream('depth', MapFacts(8, 8, 5e-4, .002, .009), unit='m'), '`scale`'),
    (stream('depth', MapFacts(10, 7, 1, 2, 3, negative=3)),
     "has 30.0% of the pixels of 'x' below 0, which count as unknown: a "
     'wrong sign?'),
    (stream('saliency', values(8, 0, 1)), "has no yes in the maps of 'x'"),
    (stream('edges', values(0, 8, 1)), 'has nothing but yes'),
    (stream('classes', values(1, 1, 8), classes=('a', 'b')),
     "ignores 80.0% of the pixels of 'x'"),
])
def test_what_is_wrong_with_all_maps(report, said):
    [problem] = judge_maps(report)
    assert said in str(problem)


@pytest.mark.parametrize('report', [
    stream('depth', MapFacts(8, 8, .5, 2, 9), unit='m'),
    stream('depth', MapFacts(8, 8, 500, 2000, 9000), unit='mm'),
    stream('normals', MapFacts(8, 8)), stream('edges', values(7, 1, 20)),
    stream('classes', values(4, 4, 2), classes=('a', 'b'))])
def test_what_is_right(report):
    assert not list(judge_maps(report))
