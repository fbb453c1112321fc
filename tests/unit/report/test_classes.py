import numpy as np
import pytest

from mmmultas.evaluation.tide import ERRORS, TideErrors
from mmmultas.report import classes
from mmmultas.report.blocks import Gallery, Skipped, Table
from mmmultas.report.classes import (class_table, classes_section,
                                     mistakes_section, without_empty)
from mmmultas.report.collect import collect
from mmmultas.report.tested import Tested, judge_runs
from mmmultas.utils.errors import ConfigError


@pytest.fixture(scope='module')
def judged(toys):
    data = collect([toys.work], toys.matrix)
    return data, judge_runs(data)


def test_tables(judged):
    table = class_table(*judged, 'det')
    assert table.header == ['class', 'boxes', 'boxes alone', 'both']
    [row] = table.rows
    # half and three quarters of the boxes: areas under the curves
    assert [e.text for e in row] == ['cat', '4', '50.0', '75.0']
    assert [e.best for e in row] == [False, False, False, True]
    rows = class_table(*judged, 'seg').rows
    assert [row[0].text for row in rows] == ['background', 'cat', 'dog']
    assert rows[0][1].text == '63.7'  # 1490 of 40 * 60 - 60 void


def test_section(judged):
    blocks = classes_section(*judged).blocks
    [curves] = [b for b in blocks if isinstance(b, Gallery)]
    assert [p.title for p in curves.panels] == ['cat (4 boxes)']
    assert curves.panels[0].svg.count('<polyline') == 2
    assert 'det_seed0, mtl_seed0' in curves.caption


def test_nothing_to_judge(judged):
    tested = Tested(absent=['x is left out here: y.'])
    blocks = classes_section(judged[0], tested).blocks
    assert len(blocks) == 4 and {type(b) for b in blocks} == {Skipped}
    [why] = mistakes_section(judged[0], tested).blocks
    assert 'No run has predictions' in why.why


def test_confusions(judged, monkeypatch):
    def missing(*args):
        raise ConfigError('needs tidecv')

    monkeypatch.setattr(classes, 'tide_errors', missing)
    tide, det, seg = mistakes_section(*judged).blocks
    assert tide.why == 'No kinds of errors (TIDE): needs tidecv'
    assert [p.title for p in det.panels] == [
        'boxes alone (det_seed0)', 'both (mtl_seed0)']
    assert 'nothing' in det.panels[0].svg
    assert 'nothing' not in seg.panels[0].svg
    assert seg.fold == 'Confusions of segmentation'


def test_kinds_of_errors(judged, monkeypatch):
    def errors(images, names):
        assert len(images) == 4 and len(names) == 20
        return TideErrors(40.0, {e: 1.25 for e in ERRORS}, {}, 0.5, 0)

    monkeypatch.setattr(classes, 'tide_errors', errors)
    blocks = mistakes_section(*judged).blocks
    [table] = [b for b in blocks if isinstance(b, Table)]
    assert table.header == ['cell', 'AP50', *ERRORS]
    # the segmenter is none of them
    assert table.notes[0].endswith('each cell: det_seed0, mtl_seed0.')
    assert [e.text for e in table.rows[1]] == [
        'both', '40.00', *['1.25'] * 8]


def test_empty_classes():
    counts = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    left, names = without_empty(counts, ['a', 'b', 'c'])
    assert names == ['a', 'c'] and left.tolist() == [[0, 1], [0, 0]]
