import json
from collections import Counter

import numpy as np

from mmmultas.datasets.problems import WARNING, Problem
from mmmultas.projects.data_check import DataReport, StreamReport
from mmmultas.projects.data_report import (problem_text, report_json,
                                           report_text)

WRONG = Problem('a.jpg', 'is cut', 'replace it')


def stream(name='train/det', **kwargs):
    report = StreamReport(
        name, False, dict(det=('cat', 'dog'), seg=('background', 'cat')),
        digests={'a.jpg': b'', 'b.jpg': b''},
        sizes=Counter({(40, 60): 2, (50, 30): 1}),
        bits=Counter({8: 2, 16: 1}), orientations=Counter({1: 2, 6: 1}),
        **kwargs)
    report.boxes.update({('cat', 'small'): 2, ('cat', 'difficult'): 1})
    report.pixels[[0, 1, 255]] = 6, 3, 1
    report.masked[[0, 1, 255]] = 2, 1, 1
    return report


def test_a_summary_stands_above_the_verdict():
    det = stream(labelled=Counter(det=2), notes=['good to know'],
                 without=1,
                 input_size=(100, 400), sides=[0.1] * 9 + [0.5] * 9)
    text = report_text(DataReport([det], [], [('config', ['a', 'b'])]))
    head, *lines = text.split('\n')
    assert head == 'Summary: is this what you meant?'
    assert lines[:5] == [
        'train/det: 2 images (2 with boxes)',
        '  images: 30×40 to 60×50, most often 60×40 (2); 2 of 8 bits, 1 of 16 '
        'bits; 1 have an EXIF tag that turns them',
        '  boxes: 3 (1 difficult or crowds): cat 3, dog 0 (!); 1 images '
        'without a box',
        '  boxes where the network sees 400×100: nine of ten above 20 pixels, '
        'half above 60',
        '  note: good to know',
    ]
    assert lines[5:8] == ['config', '  a', '  b']
    assert text.endswith('\n\nNo problem found.')
    text = report_text(DataReport([stream(labelled=Counter(seg=2))], []))
    assert '  pixels: background 60.00%, cat 30.00%; ignored 10.00%' in text


def test_tables_are_for_those_who_ask():
    report = DataReport([stream(labelled=Counter(det=2, seg=2))], [])
    assert ' | ' not in report_text(report)
    text = report_text(report, everything=True)
    assert 'cat   |     3 |     2 |      0 |     0 |         1' in text
    assert 'cat        |      1 |      3 |     30.00' in text
    assert '(ignored)  |      1 |      1 |     10.00' in text


def test_of_many_classes_a_few_are_shown():
    many = stream(labelled=Counter(det=2))
    many.classes = dict(det=tuple(f'c{i:03}' for i in range(131)))
    many.boxes = Counter({(f'c{i:03}', 'small'): i for i in range(131)})
    text = report_text(DataReport([many], []))
    line = next(x for x in text.split('\n') if x.startswith('  boxes:'))
    assert len(line) < 250 and 'c130 130' in line and 'c000 0 (!)' in line
    assert '131 classes, 1 without any' in line


def test_problems_by_kind_the_worst_first():
    small = Problem('b', 'is small', 'x', 'small', WARNING)
    files = [Problem(f'{i}.jpg', 'is cut', 'replace it') for i in range(12)]
    nothing = Problem('c', 'has nothing', 'x', 'nothing')
    text = problem_text([small, *files, nothing])
    blocks = text.split('\n\n')
    assert [b.split('\n')[0] for b in blocks] == [
        'Nothing to learn from: 1', 'Files that cannot be used: 12',
        'Boxes that are too small for the network (to be looked at): 1']
    assert blocks[1].count('is cut') == 10 and 'and 2 more' in blocks[1]
    assert problem_text(files, everything=True).count('is cut') == 12


def test_every_problem_is_counted_once():
    one = stream(problems=[WRONG, WRONG])
    between = Problem('b.jpg', 'is in both', 'take it out', 'overlap')
    text = report_text(DataReport([one, stream('val/x')], [between]))
    assert text.count('a.jpg is cut; replace it.') == 1
    assert 'b.jpg is in both; take it out.' in text
    assert text.endswith('2 problems found.')


def test_json_is_json():
    report = DataReport([stream(labelled=Counter(det=2, seg=1),
                                problems=[WRONG])], [], [('x', ['y'])])
    content = json.loads(json.dumps(report_json(report)))
    assert content['num_problems'] == 1 and content['facts'] == dict(x=['y'])
    assert content['problems'] == [
        dict(file='a.jpg', reason='is cut', mend='replace it', kind='file',
             severity='error')]
    [one] = content['streams']
    assert one['image_sizes'] == {'60x40': 2, '30x50': 1}
    assert one['turned_by_exif'] == 1 and one['bits'] == {'8': 2, '16': 1}
    assert one['boxes']['cat'] == dict(all=3, small=2, medium=0, large=0,
                                       difficult=1)
    assert one['pixels']['cat'] == dict(images=1, pixels=3)
    assert isinstance(one['pixels']['(ignored)']['pixels'], int)
    assert np.isfinite(one['images'])
