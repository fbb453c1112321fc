from types import SimpleNamespace

import pytest

from mmmultas.projects.labels import Label, LabelFound
from mmmultas.projects.project import Project, Source
from mmmultas.projects.weak_losses import WEAK_LOSSES, choose_weak_losses


def chosen(further=(), **values):
    project = Project('x.py', values=dict(values))
    choose_weak_losses(project, further)
    return project.values.get('weak_losses'), ' '.join(
        text for _, texts in project.facts for text in texts)


def test_classes_of_both():
    found, said = chosen(det_classes=('cat', 'van'),
                         seg_classes=('background', 'cat'))
    assert found == WEAK_LOSSES and 'both have cat' in said


def test_other_names_are_said():
    found, said = chosen(det_classes=('van', ), seg_classes=('sky', 'car'))
    assert found is None and 'van' in said and 'weak_losses.md' in said


@pytest.mark.parametrize('values', [
    dict(det_classes=('cat', )), dict(seg_classes=('cat', )), {}])
def test_one_of_them_has_no_partner(values):
    assert chosen(**values) == (None, '')


def test_further_labels_take_part():
    label = Label('parts', 'classes', Source('x'))
    found = LabelFound(label, (), SimpleNamespace(names=('sky', 'cat')))
    assert chosen([found], det_classes=('cat', ))[0] == WEAK_LOSSES
