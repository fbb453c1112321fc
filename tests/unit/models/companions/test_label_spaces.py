import pytest
import torch

from mmmultas.models.companions.label_spaces import (Pair, pairs_of,
                                                     pixel_classes)
from mmmultas.registry import MODELS
from mmmultas.testing import toy_model
from mmmultas.utils.errors import ConfigError

BOXES = ('cat', 'van', 'dog')
PIXELS = ('background', 'dog', 'car', 'cat')


def test_names_that_are_equal_or_said_to_be():
    assert pixel_classes(BOXES, PIXELS, None, 'k') == (3, -1, 1)
    assert pixel_classes(BOXES, PIXELS, dict(van='car'), 'k') == (3, 2, 1)
    assert pixel_classes(BOXES, PIXELS, [3, -1, 3], 'k') == (3, -1, 3)
    # nobody names them: background is first
    assert pixel_classes(2, 3, None, 'k') == (1, 2)
    assert pixel_classes(2, 5, [4, 0], 'k') == (4, 0)


@pytest.mark.parametrize('boxes, pixels, given, message', [
    (('a', 'b'), ('background', 'c'), None,
     r"'det' \(a, b\) and 'seg' \(background, c\) share no class: .*"
     r"classes={'a': …}` with the name of its pixel class"),
    (('Cat', 'dining table'), ('background', 'diningtable', 'cat'), None,
     r"spelling only: .*{'Cat': 'cat', 'dining table': 'diningtable'}"),
    (BOXES, PIXELS, dict(van='bus'), "names 'bus', which is none of back"),
    (BOXES, PIXELS, dict(lorry='car'), "names 'lorry', which is none of cat"),
    (BOXES, PIXELS, [1, 2], 'for each of the 3 box classes'),
    (BOXES, PIXELS, [1, 2, 4], '0 to 3, or -1'),
    (BOXES, PIXELS, [-1, -1, -1], 'wants a pixel class'),
    (2, 7, None, '2 box classes and 7 pixel classes have no names'),
])
def test_what_does_not_fit(boxes, pixels, given, message):
    with pytest.raises(ConfigError, match=message):
        pixel_classes(boxes, pixels, given, 'model.companions.x')


def test_classes_without_boxes_may_be_anywhere():
    pair = Pair('det', 'seg', (3, -1, 3), 5)
    assert pair.free().tolist() == [True, True, True, False, True]
    # nobody looked for one of them: its pixels may be anywhere, too
    assert Pair('det', 'seg', (3, 2), 4).free([0]).tolist() == [
        True, True, True, False]
    # or for one of two that are one class of pixels
    one = Pair('det', 'seg', (1, 1), 2)
    assert one.free([0]).tolist() == [True, True]
    assert one.free([0, 1]).tolist() == [True, False]
    assert pair.ambiguous() == [0, 2]
    assert pair.of_boxes(torch.tensor([1, 2])).tolist() == [-1, 3]


def test_tasks_by_kind():
    model = MODELS.build(toy_model())
    assert pairs_of(model, 'k') == [('det', 'seg')]
    with pytest.raises(ConfigError, match="names 'seg', but the heads of the "
                                          "kind 'boxes' are det"):
        pairs_of(model, 'k', boxes='seg')
    with pytest.raises(ConfigError, match="no head is of the kind 'classes'"):
        pairs_of(MODELS.build(toy_model(('det', ))), 'k')
