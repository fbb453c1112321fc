from mmmultas.projects.records import LabelSet, Picture, Thing


def test_boxes_and_shapes():
    labels = LabelSet(('a', 'b'), [
        Picture('x', things=(Thing('a', (0, 0, 1, 1)), Thing('b', None)))])
    assert labels.counts == dict(a=1, b=0) and not labels.has_shapes
    labels.pictures.append(Picture('y', things=(Thing('b', None, [[0]]), )))
    assert labels.has_shapes
    assert LabelSet((), paint=lambda picture: None).has_shapes
