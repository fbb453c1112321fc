import numpy as np
import pytest

from mmmultas.datasets.box_units import unit_problem

RNG = np.random.default_rng(0)


def boxes(count=40):
    """True x, y, w, h in images of 200 by 100."""
    x, y = RNG.uniform(0, 150, count), RNG.uniform(0, 70, count)
    w, h = RNG.uniform(9, 50, count), RNG.uniform(9, 30, count)
    return np.stack([x, y, w, h], 1)


def corners(b):
    return np.stack([b[:, 0], b[:, 1], b[:, 0] + b[:, 2], b[:, 1] + b[:, 3]],
                    1)


@pytest.mark.parametrize('change, words', [
    (lambda b: b, None),
    (corners, 'x1, y1, x2, y2'),
    (lambda b: np.stack([b[:, 0] + b[:, 2] / 2, b[:, 1] + b[:, 3] / 2,
                         b[:, 2], b[:, 3]], 1), 'x and y of the centre'),
    (lambda b: b / (200, 100, 200, 100), 'shares of the image'),
    (lambda b: b * 0.5, 'pixels of smaller images'),
    (lambda b: b + (0, 0, 60, 0), None),  # leaving alone tells nothing
])
def test_forms(change, words):
    rows = boxes()
    rows[0] = 140, 65, 60, 35  # into the corner
    sizes = np.tile((200., 100.), (len(rows), 1))
    problem = unit_problem('a.json', change(rows), sizes)
    assert (problem is None) == (words is None), problem
    if problem is not None:
        assert words in problem.reason and 'for example [' in problem.reason
        assert problem.severity == 'warning'


def test_what_cannot_be_told():
    sizes = np.full((2, 2), 100.)
    assert unit_problem('a', np.array([[9., 9, 99, 99]] * 2), sizes) is None
    unknown = np.full((40, 2), np.nan)
    assert unit_problem('a', corners(boxes()), unknown) is None
    assert unit_problem('a', boxes() / 999, unknown) is not None
    assert unit_problem('a', np.array([]), np.array([])) is None
