import numpy as np
import pytest

from mmmultas.datasets.annotated import Annotated
from mmmultas.datasets.colours import ColourTable
from mmmultas.datasets.label_map import LabelSpace
from mmmultas.utils.errors import ConfigError

SPACES = dict(
    det=LabelSpace.build(('car', 'person', 'dog')),
    seg=LabelSpace.build(('background', 'road', 'car', 'person')))


def _record(**more):
    boxes = [dict(bbox=[0, 0, 1, 1], bbox_label=label) for label in (0, 1, 2)]
    return dict(tasks=('det', 'seg'), instances=boxes, **more)


def test_boxes_of_other_classes_are_not_read():
    record = _record()
    made = Annotated(dict(det=('dog', 'car')), SPACES)(record)
    assert [x['bbox_label'] for x in made['instances']] == [0, 2]
    assert made['annotated'] == dict(det=(0, 2))
    assert len(record['instances']) == 3 and 'annotated' not in record


@pytest.mark.parametrize('named, want', [
    (('car', ), [0, 0, 2, 0]),
    (('road', 'person'), [0, 1, 0, 3]),
    (('background', 'road', 'person'), [0, 1, 0, 3]),
])
def test_masks_join_what_nobody_looked_for(named, want):
    table = np.full(256, 254, np.uint8)
    table[:4] = [0, 1, 2, 3]
    table[9] = 255
    ask = Annotated(dict(seg=named), SPACES)
    made = ask(_record(seg_lut=table))
    assert made['seg_lut'][:4].tolist() == want
    assert made['seg_lut'][9] == 255 and made['seg_lut'][8] == 254
    assert table[:4].tolist() == [0, 1, 2, 3]
    assert ask(_record(seg_lut=table))['seg_lut'] is made['seg_lut']
    colours = ColourTable.build({(0, 0, 0): 0, (9, 9, 9): 3})
    made = ask(_record(seg_colours=colours))['seg_colours']
    assert set(made.ids.tolist()) <= set(want)


def test_no_background_no_exception():
    """Without one the lowest class that nobody looked for stands for all."""
    spaces = dict(seg=LabelSpace.build(('road', 'car', 'person')))
    table = np.arange(256).astype(np.uint8)
    made = Annotated(dict(seg=('road', )), spaces)(_record(seg_lut=table))
    assert made['seg_lut'][:3].tolist() == [0, 1, 1]
    assert made['annotated'] == dict(seg=(0, ))


def test_it_is_said():
    note, = Annotated(dict(det=('dog', 'car')), SPACES).notes()
    assert note.startswith("somebody looked for car, dog of 'det' only")
    assert Annotated(None, SPACES).notes() == []


@pytest.mark.parametrize('named', [
    None, {}, dict(det=('car', 'person', 'dog')),
    dict(seg=('road', 'car', 'person'))])
def test_all_classes_are_as_if_nothing_was_said(named):
    record = _record()
    assert Annotated(named, SPACES)(record) is record


def test_a_task_that_is_not_carried_is_not_named():
    record = dict(tasks=('seg', ))
    assert Annotated(dict(det=('car', )), SPACES)(record) is record


@pytest.mark.parametrize('named, sentence', [
    (dict(depth=('near', )), "task 'depth', but the data set has det, seg"),
    (dict(det=('cat', )), "class 'cat' for 'det', but .* car, person, dog"),
    (dict(det=()), "no class for 'det': take 'det' out"),
    (dict(seg=('background', )), "no class for 'seg'"),
])
def test_mistakes(named, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Annotated(named, SPACES)
