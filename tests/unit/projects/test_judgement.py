from collections import Counter

import pytest

from mmmultas.projects.judgement import judge, side_at_input
from mmmultas.projects.stream_report import StreamReport

CFG = dict(model=dict(heads=dict(det=dict(test_cfg=dict(max_per_img=200)))))


def stream(task='det', boxes=None, **kwargs):
    classes = dict(det=('cat', 'dog')) if task == 'det' else dict(
        seg=('sky', 'cat'))
    report = StreamReport('train/x', False, kwargs.pop('classes', classes),
                          labelled=Counter({task: 3}), bits=Counter({8: 3}),
                          brightest=255, **kwargs)
    report.boxes.update(boxes or {
        ('cat', 'small'): 3, ('dog', 'small'): 1})
    report.pixels[:2] = 10, 5
    report.learnt = sum(report.boxes.values())
    return report


def told(report, cfg=CFG):
    return {p.kind: str(p) for p in judge([report], cfg)}


def test_sound_streams_are_not_judged():
    assert not told(stream(sides=[0.2] * 9, input_size=(320, 320),
                           crowded=(200, 'a')))
    assert not told(stream('seg', palettes={1: {'#ff0000': 'a'}}))


def test_crowds_alone_teach_nothing():
    report = stream(boxes={('cat', 'difficult'): 4, ('dog', 'difficult'): 1})
    assert not told(report)  # difficult ones of XMLs are learnt
    report.learnt = 0
    text = told(report)['nothing']
    assert '5 boxes, all of them crowds' in text
    assert 'set `iscrowd` to 0 in the json' in text and 'XMLs' in text
    assert 'not one box' in told(stream(boxes={('x', 'small'): 0}))['nothing']


def test_more_boxes_than_are_let_out():
    report = stream(crowded=(301, 'a.jpg'))
    text = told(report)['many']
    assert '301' in text and 'max_per_img=400' in text and 'a.jpg' in text
    assert 'many' not in told(report, {})


def test_boxes_that_are_too_small():
    report = stream(sides=[0.01] * 20, input_size=(320, 320))
    text = told(report)['small']
    assert 'boxes of 3.2 pixels' in text and '`img_size = 800`' in text
    assert side_at_input(report, 0.1) == pytest.approx(3.2)
    report.input_size = (800, 800)
    assert 'small' not in told(report)
    report.input_size = None  # other transforms: nothing is known
    assert 'small' not in told(report)


def test_ignored_pixels():
    report = stream('seg')
    report.pixels[255] = 30
    assert 'ignores 66.7%' in told(report)['values']
    report.pixels[:2] = 0
    assert 'no pixel that is not ignored' in told(report)['nothing']


def test_palettes_of_their_own():
    report = stream('seg', palettes={
        0: {'#000000': 'a'}, 1: {'#ff0000': 'a', '#00ff00': 'b'}})
    text = told(report)['values']
    assert '1 is #ff0000 in the mask of a and #00ff00 in that of b' in text


def test_pictures_that_are_black():
    report = stream()
    report.brightest, report.bits = 9, Counter({16: 3})
    assert '9 of 255, since they use the lower part of their 16 bits' in told(
        report)['picture']


def test_names_that_differ_by_their_spelling():
    report = stream(classes=dict(det=('Cat', 'cat')), boxes={
        ('Cat', 'small'): 1, ('cat', 'small'): 2})
    assert "label_map=dict(det={'cat': 'Cat'})" in told(report)['class']


def test_three_spellings_and_spaces_at_the_end():
    names = ('Cat', 'cat', 'cat ')
    said = told(stream(classes=dict(det=names), boxes={
        (n, 'small'): 1 for n in names}))['class']
    assert "has the classes Cat and cat and 'cat '," in said
    assert "dict(det={'cat': 'Cat', 'cat ': 'Cat'})" in said


def test_one_class_of_masks():
    report = stream('seg', classes=dict(seg=('sky', )))
    assert 'one class (sky) alone' in told(report)['nothing']


def test_classes_that_training_never_shows():
    report = stream(boxes={('cat', 'small'): 3})
    assert 'no box of 1 of 2 classes (dog)' in told(report)['rare']
    other = stream(boxes={('dog', 'small'): 3})
    assert not judge([report, other], CFG)
    held = stream(boxes={('dog', 'small'): 3})
    held.held_out = True
    assert [p.kind for p in judge([report, held], CFG)] == ['rare']
    masks = stream('seg')
    masks.pixels[1] = 0
    assert 'no pixel of 1 of 2 classes (cat)' in told(masks)['rare']


BOTH = dict(det=dict(type='x'), seg=dict(type='x'))


@pytest.mark.parametrize('model, heard', [
    (dict(heads=BOTH), True),
    (dict(heads=dict(BOTH, seg=None)), False),
    (dict(heads=BOTH, frozen=['heads.seg']), False),
    (dict(heads=BOTH, companions=dict(a=dict(type='x'))), False),
    (dict(heads=BOTH, type='mmmultas.CAMClassifier'), False)])
def test_a_head_without_labels(model, heard):
    cfg = dict(model=model, train_dataloader=dict(x={}))
    assert ('learns nothing' in told(stream(), cfg).get('nothing', '')
            ) == heard
    assert 'nothing' not in told(stream(), dict(model=model))
