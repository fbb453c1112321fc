import sys

import numpy as np
import pytest

import mmmultas.evaluation.tide as module
from mmmultas.evaluation.tide import (ERRORS, ImageBoxes, TideErrors,
                                      tide_errors, tide_table)
from mmmultas.utils.errors import ConfigError, DataError

CLASSES = ('cat', 'dog', 'cow')
CAT, DOG, COW = range(3)
#: Two cats and a dog per image, well apart; inclusive corners.
TRUTH = [(CAT, [0, 0, 19, 19]), (CAT, [50, 0, 69, 19]),
         (DOG, [0, 50, 19, 69])]


def image(found, hard=(), truth=TRUTH):
    """``found``: (label, box, score); ``hard``: (label, box)."""
    boxes = [*truth, *hard]
    return ImageBoxes(
        np.array([box for _, box in boxes], np.float32).reshape(-1, 4),
        np.array([label for label, _ in boxes], np.int64),
        np.array([False] * len(truth) + [True] * len(hard), bool),
        np.array([box for _, box, _ in found], np.float32).reshape(-1, 4),
        np.array([label for label, _, _ in found], np.int64),
        np.array([score for *_, score in found], np.float32))


PERFECT = [(label, box, 0.5) for label, box in TRUTH]
#: One mistake each, in place of or beside the perfect boxes.
PLANTED = {
    'Cls': [*PERFECT[:2], (CAT, [0, 50, 19, 69], 0.6)],
    # 12 of 28 columns are shared
    'Loc': [*PERFECT[:2], (DOG, [8, 50, 27, 69], 0.6)],
    'Both': [*PERFECT, (CAT, [8, 50, 27, 69], 0.9)],
    'Dupe': [*PERFECT, (CAT, [1, 0, 20, 19], 0.9),
             (CAT, [0, 1, 19, 20], 0.8)],
    'Bkg': [*PERFECT, (CAT, [80, 80, 99, 99], 0.9)],
    'Miss': PERFECT[:2],
}


@pytest.fixture
def tidecv():
    return pytest.importorskip(
        'tidecv', reason='tidecv is not installed: pip install -r '
        'requirements/analysis.txt')


def test_the_truth_has_no_errors(tidecv):
    found = tide_errors([image(PERFECT), image(PERFECT)], CLASSES)
    assert found.ap == pytest.approx(100)
    assert found.dap == dict.fromkeys(ERRORS, 0)
    assert found.counts == dict.fromkeys(ERRORS[:-2], 0)


@pytest.mark.parametrize('kind', PLANTED)
def test_a_planted_error_is_the_only_one(tidecv, kind):
    images = [image(PERFECT), image(PLANTED[kind])]
    found = tide_errors(images, CLASSES)
    positive = {name for name in ERRORS[:-2] if found.dap[name] > 1}
    assert positive == {kind}
    assert {name for name, n in found.counts.items() if n} == {kind}
    assert all(found.dap[name] == 0 for name in set(ERRORS[:-2]) - {kind})
    assert found.ap < 99
    # a wrong box in place of the right one is both
    assert (found.dap['FP'] > 1) == (kind != 'Miss')
    assert (found.dap['FN'] > 1) == (kind in ('Miss', 'Cls', 'Loc'))
    assert found == tide_errors(images, CLASSES)


def test_difficult_boxes_are_neither_right_nor_wrong(tidecv):
    hard = [(CAT, [80, 80, 99, 99])]
    found = tide_errors([image(PERFECT), image(PLANTED['Bkg'], hard)],
                        CLASSES)
    assert found.ap == pytest.approx(100)
    assert found.dap == dict.fromkeys(ERRORS, 0)
    assert found.counts['Bkg'] == 0
    # not found: no miss
    found = tide_errors([image(PERFECT, hard)], CLASSES)
    assert found.counts['Miss'] == 0 and found.ap == pytest.approx(100)


def test_overlaps_are_those_of_our_metric(tidecv):
    """200 of 400 pixels where both corners belong to the box."""
    truth = [(CAT, [0, 0, 19, 19])]
    half = image([(CAT, [0, 0, 9, 19], 0.5)], truth=truth)
    assert tide_errors([half], CLASSES).ap == pytest.approx(100)
    assert tide_errors([half], CLASSES, 0.501).counts['Loc'] == 1


def test_classes_without_truth_do_not_count(tidecv):
    cow = (COW, [80, 80, 99, 99], 0.9)
    found = tide_errors([image([*PERFECT, cow])], CLASSES)
    assert found.ap == pytest.approx(100) and found.unjudged == 1


def test_images_without_truth_or_predictions(tidecv):
    empty, noise = image([], truth=[]), image(
        [(CAT, [0, 0, 9, 9], 0.9)], truth=[])
    found = tide_errors([image(PERFECT), image([]), empty, noise], CLASSES)
    assert found.counts == dict(
        Cls=0, Loc=0, Both=0, Dupe=0, Bkg=1, Miss=3)


def test_more_than_a_hundred_boxes_of_an_image_count(tidecv):
    many = [(CAT, [80, 80, 99, 99], 0.9)] * 150
    found = tide_errors([image([*PERFECT, *many])], CLASSES)
    assert found.counts['Bkg'] == 150 and 0 < found.ap < 60


def test_charts_keep_their_style(tidecv):
    import matplotlib
    before = dict(matplotlib.rcParams)
    tide_errors([image(PERFECT)], CLASSES)
    assert dict(matplotlib.rcParams) == before


def test_what_cannot_be_analysed(tidecv):
    with pytest.raises(DataError, match='no box that is not difficult'):
        tide_errors([image([(CAT, [0, 0, 9, 9], 1)], truth=[])], CLASSES)
    with pytest.raises(DataError, match='nothing to analyse'):
        tide_errors([image([])], CLASSES)


def test_wrong_settings(monkeypatch):
    with pytest.raises(ConfigError, match='not 0.1 and 0.05'):
        tide_errors([], CLASSES, 0.05)
    monkeypatch.setitem(sys.modules, 'tidecv', None)
    monkeypatch.setitem(sys.modules, 'tidecv.quantify', None)
    with pytest.raises(ConfigError, match='requirements/analysis.txt'):
        module.tide_errors([image(PERFECT)], CLASSES)


def test_table():
    dap = {name: float(place) for place, name in enumerate(ERRORS)}
    found = TideErrors(50, dap, {}, 0.75, 0)
    header, _, first, second = tide_table(
        dict(one=found, two=found)).splitlines()
    assert [cell.strip() for cell in header.split('|')] == [
        'predictions', 'AP75', *ERRORS]
    assert [cell.strip() for cell in first.split('|')] == [
        'one', '50.00', *(f'{place}.00' for place in range(len(ERRORS)))]
    assert second.startswith('two')
