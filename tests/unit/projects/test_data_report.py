import json
from collections import Counter

import numpy as np

from mmmultas.projects.data_check import DataReport, StreamReport
from mmmultas.projects.data_report import report_json, report_text
from mmmultas.datasets.problems import Problem

WRONG = Problem('a.jpg', 'is cut', 'replace it')


def stream(name='train/det', **kwargs):
    report = StreamReport(
        name, False, dict(det=('cat', 'dog'), seg=('background', 'cat')),
        digests={'a.jpg': b'', 'b.jpg': b''},
        sizes=Counter({(40, 60): 2, (50, 30): 1}), **kwargs)
    report.boxes.update({('cat', 'small'): 2, ('dog', 'difficult'): 1})
    report.pixels[[0, 1, 255]] = 6, 3, 1
    report.masked[[0, 1, 255]] = 2, 1, 1
    return report


def test_tables_of_what_is_labelled():
    det = stream(labelled=Counter(det=2), notes=['good to know'])
    text = report_text(DataReport([det], []))
    assert 'train/det: 2 images (2 with boxes)\n  note: good' in text
    assert 'width 30 to 60 (median 60), height 40 to 50' in text
    assert 'most often 60×40 (2)' in text
    assert 'dog   |     1 |     0 |      0 |     0 |         1' in text
    assert 'all   |     3' in text and 'pixels' not in text
    assert text.endswith('No problem found.')
    seg = stream(labelled=Counter(seg=2))
    text = report_text(DataReport([seg], []))
    assert 'cat        |      1 |      3 |     30.00' in text
    assert '(ignored)  |      1 |      1 |     10.00' in text


def test_every_problem_has_a_line():
    one = stream(problems=[WRONG, WRONG])
    between = Problem('b.jpg', 'is in both', 'take it out')
    text = report_text(DataReport([one, stream('val/x')], [between]))
    assert text.count('a.jpg is cut; replace it.') == 1
    assert 'b.jpg is in both; take it out.' in text
    assert text.endswith('2 problems found.')


def test_json_is_json():
    report = DataReport([stream(labelled=Counter(det=2, seg=1),
                                problems=[WRONG])], [])
    content = json.loads(json.dumps(report_json(report)))
    assert content['num_problems'] == 1
    assert content['problems'] == [
        dict(file='a.jpg', reason='is cut', mend='replace it')]
    [one] = content['streams']
    assert one['image_sizes'] == {'60x40': 2, '30x50': 1}
    assert one['boxes']['dog']['difficult'] == one['boxes']['dog']['all'] == 1
    assert one['pixels']['cat'] == dict(images=1, pixels=3)
    assert isinstance(one['pixels']['(ignored)']['pixels'], int)
    assert np.isfinite(one['images'])
