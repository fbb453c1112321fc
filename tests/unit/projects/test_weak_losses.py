from types import SimpleNamespace

import pytest

from mmmultas.projects.labels import Label
from mmmultas.projects.project import Project, Source
from mmmultas.projects.weak_losses import WEAK_LOSSES, choose_weak_losses


def files(folder, *names):
    return [SimpleNamespace(images=f'/data/{folder}', names=names)]


def chosen(boxes=(), masks=(), det=None, seg=None, further=()):
    project = Project('x.py', values=dict(det_classes=boxes,
                                          seg_classes=masks))
    said = choose_weak_losses(project, dict(
        det=files('a', 'x', 'y') if det is None else det,
        seg=files('b', 'x', 'z') if seg is None else seg), further)
    return project.values.get('weak_losses'), ' '.join(said)


def test_classes_of_both():
    found, said = chosen(('cat', 'van'), ('background', 'cat'))
    assert found == WEAK_LOSSES and 'boxes and masks have cat' in said


@pytest.mark.parametrize('boxes, masks', [
    (('van', ), ('sky', 'car')),
    (('class_1', 'class_2'), ('background', 'class_1')),  # made up
    (('background', '1'), ('background', '1'))])
def test_other_names_are_said(boxes, masks):
    found, said = chosen(boxes, masks)
    assert found is None and 'weak_losses.md' in said


@pytest.mark.parametrize('boxes, masks', [
    (('Cat', 'van'), ('sky', 'cat')), (('Cat', 'van'), ('van', 'cat'))])
def test_names_that_differ_by_spelling_are_said(boxes, masks):
    assert "`classes={'Cat': 'cat'}` of both in" in chosen(boxes, masks)[1]


def test_names_that_look_like_numbers():
    assert chosen(('face', 'bed'), ('wall', 'bed'))[0] == WEAK_LOSSES


def test_images_that_have_both_labels():
    """Of other folders equal names are other images."""
    found, said = chosen(('cat', ), ('cat', ), seg=files('a', 'x', 'z'))
    assert found is None and '1 of 2 images have labels of det and seg' in said
    found, _ = chosen(('cat', ), ('cat', ), det=files('a', 'u', 'v', 'x'),
                      seg=files('a', 'x', 'y', 'z'))
    assert found == WEAK_LOSSES


@pytest.mark.parametrize('values', [
    dict(boxes=('cat', ), seg=[]), dict(masks=('cat', ), det=[]), {}])
def test_one_of_them_has_no_partner(values):
    if not values:
        values = dict(det=[], seg=[])
    assert chosen(**values) == (None, '')


@pytest.mark.parametrize('folder, found', [('a', None), ('c', WEAK_LOSSES)])
def test_further_labels_take_part(folder, found):
    """Boxes by the names that the config has, of the very same images not."""
    things = SimpleNamespace(
        label=Label('things', 'boxes', Source('x')), legend=None,
        boxes=files('a', 'x', 'y'), maps=[], extra=dict(classes=('cat', )))
    parts = SimpleNamespace(
        label=Label('parts', 'classes', Source('x')), boxes=[],
        maps=files(folder, 'x', 'y'), extra={},
        legend=SimpleNamespace(names=('sky', 'cat')))
    assert chosen(det=[], seg=[], further=[things, parts])[0] == found
