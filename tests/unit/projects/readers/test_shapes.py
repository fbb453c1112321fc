import numpy as np
import pytest

from mmmultas.projects.readers.shapes import (ellipse, outlined, rectangle,
                                              turned)


def test_a_turned_box_is_the_hull_of_its_corners():
    """30 degrees clockwise: the upper left corner goes up and right."""
    corners = turned(rectangle(10, 20, 30, 30), 30)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    assert corners[0] == pytest.approx((20 - 10 * c + 5 * s,
                                        25 - 10 * s - 5 * c))
    half = 10 * c + 5 * s, 10 * s + 5 * c
    assert outlined('x', corners).bbox == pytest.approx(
        (20 - half[0], 25 - half[1], 20 + half[0], 25 + half[1]))


def test_the_box_of_a_turned_ellipse():
    box = outlined('x', turned(ellipse((50, 40), (20, 10)), 30)).bbox
    across = (300 + 25)**0.5  # hypot(20 cos 30, 10 sin 30)
    assert box[2] - 50 == pytest.approx(across, rel=3e-4)
    assert outlined('x', ellipse((50, 40), (20, 10))).bbox == pytest.approx(
        (30, 30, 70, 50))


@pytest.mark.parametrize('points', [
    [], [(1, 2), (3, 4)], [(1, 2, 3)] * 3, [(1, 2), (3, 4), (5, np.nan)]])
def test_what_is_no_outline(points):
    with pytest.raises(ValueError, match='three or more pairs'):
        outlined('x', points)
