from mmmultas.projects.data_tables import (box_rows, box_table, pixel_rows,
                                           pixel_table)
from mmmultas.projects.stream_report import StreamReport


def report():
    found = StreamReport('x', False, dict(det=('cat', ), seg=('sky', 'cat')))
    found.boxes.update({('cat', 'small'): 2, ('cat', 'difficult'): 1})
    found.pixels[[0, 255]] = 3, 1
    found.masked[[0, 255]] = 2, 1
    return found


def test_boxes():
    assert list(box_rows(report())) == [('cat', [3, 2, 0, 0, 1])]
    assert box_table(report()).split('\n')[-1].split(' | ')[0] == 'all  '


def test_pixels():
    assert list(pixel_rows(report())) == [
        ('sky', 2, 3), ('cat', 0, 0), ('(ignored)', 1, 1)]
    assert pixel_table(report()).count('25.00') == 1
