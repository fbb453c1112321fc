import numpy as np
import pytest

from mmmultas.visualization.drawing import (IGNORED_COLOUR, add_caption,
                                            add_legend, blend_mask,
                                            class_colours, draw_boxes,
                                            side_by_side)

GREEN = (0, 200, 0)


def grey(height=100, width=120):
    return np.full((height, width, 3), 100, np.uint8)


def test_colours_of_voc():
    assert class_colours(3) == [(128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert class_colours(2, first=0) == [(0, 0, 0), (128, 0, 0)]
    assert class_colours(2, [GREEN]) == [GREEN, (0, 128, 0)]
    assert len(set(class_colours(150))) == 150


def test_box_is_where_it_should_be():
    image = grey()
    drawn = draw_boxes(image, np.array([[20., 30., 60., 70.]]), [''],
                       [GREEN])
    changed = np.argwhere((drawn != image).any(-1))
    assert changed.min(0).tolist() == [30, 20]
    assert changed.max(0).tolist() == [70, 60]
    assert drawn[50, 40].tolist() == [100] * 3
    assert drawn[30, 40].tolist() == list(GREEN)
    assert (image == 100).all()  # the input is left alone


def test_name_stands_above_the_box_or_inside():
    for top, place in ((50, slice(0, 49)), (0, slice(3, 30))):
        drawn = draw_boxes(grey(), np.array([[20., top, 90., 90.]]), ['cat'],
                           [GREEN])
        inside = drawn[place, 25:40].reshape(-1, 3)
        assert (inside == GREEN).all(-1).sum() > 20
        assert (inside.max(-1) != 100).sum() > 20


def test_box_given_backwards_or_outside_is_no_error():
    drawn = draw_boxes(grey(), np.array([[60., 70., 20., 30.],
                                         [-50., -50., 500., 500.]]),
                       ['a', 'b'], [GREEN, GREEN])
    assert drawn[30, 40].tolist() == list(GREEN)


def test_mask_is_tinted_but_not_where_hidden():
    labels = np.zeros((100, 120), int)
    labels[:, 40:80] = 1
    labels[:, 80:] = 255
    drawn = blend_mask(grey(), labels, [(0, 0, 0), GREEN], hidden=[0])
    assert drawn[50, 10].tolist() == [100] * 3
    assert drawn[50, 60].tolist() == [50, 150, 50]
    expected = (100 + np.array(IGNORED_COLOUR)) / 2
    assert drawn[50, 100].tolist() == expected.tolist()
    assert drawn[50, 40, 1] > 150  # the border is stronger


def test_opacity_zero_and_one():
    labels = np.ones((100, 120), int)
    colours = [(0, 0, 0), GREEN]
    assert (blend_mask(grey(), labels, colours, alpha=0) == 100).all()
    assert (blend_mask(grey(), labels, colours, alpha=1) == GREEN).all()


def test_caption_and_legend_only_add():
    image = grey()
    captioned = add_caption(image, 'Prediction')
    assert (captioned[-100:] == image).all() and len(captioned) > 110
    assert captioned[:-100].min() < 100  # there is ink
    legend = add_legend(image, [('cat', GREEN)] * 5)
    assert (legend[:100] == image).all()
    assert len(legend) > len(add_legend(image, [('cat', GREEN)]))  # wraps
    assert (legend[100:] == GREEN).all(-1).sum() > 100
    assert add_legend(image, []) is image


@pytest.mark.parametrize('heights', [(100, 60), (60, 100)])
def test_pictures_side_by_side(heights):
    joined = side_by_side([grey(height) for height in heights], gap=8)
    assert joined.shape == (100, 248, 3)
    assert (joined[:60, :120] == 100).all()
    assert (joined[:60, 128:] == 100).all()
    assert (joined[:, 120:128] == 250).all()
