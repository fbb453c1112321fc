import numpy as np
import pytest

from mmmultas.datasets.examine import Box, Finding
from mmmultas.projects.stream_report import StreamReport, size_group


def test_an_image_is_counted():
    report = StreamReport('x', False, dict(det=('cat', 'dog')))
    finding = Finding('a.jpg', size=(100, 400), orientation=6, bits=16,
                      brightest=9, colours={1: '#ff0000'})
    finding.boxes = [Box('cat', 0, (0., 0., 20., 20.)),
                     Box('dog', 1, (0., 0., 40., 40.), True, True),
                     Box('dog', 1, (5., 5., 5., 9.))]
    finding.pixels = np.bincount([0, 0, 255], minlength=256)
    report.add(finding, ('det', 'seg'))
    report.add(Finding('b.jpg', size=(9, 9), brightest=200,
                       colours={1: '#00ff00'}), ('seg', ))
    assert report.without == 0
    report.add(Finding('c.jpg'), ('det', ))
    assert report.without == 1
    assert report.boxes['cat', 'small'] == 1
    assert report.boxes['dog', 'difficult'] == 1 and report.learnt == 2
    assert report.boxes_of('dog') == 2
    assert report.sides == [pytest.approx(0.1)]  # learnt ones with an area
    assert report.crowded == (3, 'a.jpg')
    assert report.orientations == {6: 1, 1: 1} and report.bits[16] == 1
    assert report.brightest == 200
    assert report.palettes == {1: {'#ff0000': 'a.jpg', '#00ff00': 'b.jpg'}}
    assert report.labelled == dict(det=2, seg=2)
    assert report.masked[[0, 1, 255]].tolist() == [1, 0, 1]


def test_groups_of_coco():
    areas = (0, 32**2 - 1, 32**2, 96**2, 96**2 + 1)
    assert [size_group(a) for a in areas] == [
        'small', 'small', 'medium', 'medium', 'large']
