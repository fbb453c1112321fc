from pathlib import Path

import cv2
import numpy as np
import pytest

from mmmultas.evaluation.boundaries import (best_f, boundary_counts,
                                            match_boundaries, thin)

BENCH = Path(__file__).resolve().parents[4] / 'shared/data/dense/bsds_bench'


@pytest.mark.parametrize('seed', range(6))
def test_thin_is_that_of_scikit_image(seed):
    morphology = pytest.importorskip('skimage.morphology')
    rng = np.random.default_rng(seed)
    noise = rng.random((50, 60)).astype(np.float32)
    mask = cv2.GaussianBlur(noise, (0, 0), 1 + seed % 3) > .5
    assert (thin(mask) == morphology.thin(mask)).all()
    assert not thin(mask & False).any()


def by_hand(found, truth, distance):
    """Augmenting paths, one after the other."""
    ours, theirs = np.argwhere(found), np.argwhere(truth)
    near = [[j for j, b in enumerate(theirs)
             if ((a - b)**2).sum() <= distance**2] for a in ours]
    partner = {}

    def augment(i, seen):
        for j in near[i]:
            if j not in seen:
                seen.add(j)
                if j not in partner or augment(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(augment(i, set()) for i in range(len(ours)))


@pytest.mark.parametrize('seed', range(8))
def test_as_many_pairs_as_there_can_be(seed):
    rng = np.random.default_rng(seed)
    found, truth = rng.random((2, 12, 14)) > .8
    distance = [1, 1.5, 2, 3.2][seed % 4]
    matched, count = match_boundaries(found, truth, distance)
    assert count == matched.sum() == by_hand(found, truth, distance)
    assert not (matched & ~found).any()


def test_nothing_matches_nothing():
    empty = np.zeros((5, 5), bool)
    assert match_boundaries(empty, ~empty, 2)[1] == 0
    counts = boundary_counts(np.zeros((5, 5)), [empty], [.5])
    assert counts.tolist() == [[0, 0, 0, 0]]
    assert [float(x[0]) for x in best_f(counts)] == [0, 0, 0]


def test_what_is_unknown_takes_no_part():
    line = np.zeros((9, 9))
    line[4] = 1
    known = np.ones((9, 9), bool)
    known[:, 5:] = False
    counts = boundary_counts(line, [(line > 0) & known], [.5], .1, known)
    assert counts[0, 2] == counts[0, 3] < 9


@pytest.mark.skipif(not BENCH.is_dir(), reason='no reference beside the clone')
def test_the_official_benchmark():
    """BSDS500's own numbers, by its Matlab code, are .704628 and .708698."""
    total, best = 0, 0
    for path in sorted((BENCH / 'prediction').glob('*.png')):
        probabilities = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) / 255
        drawn = cv2.imread(str(BENCH / 'boundary' / path.name),
                           cv2.IMREAD_UNCHANGED)
        truths = [(drawn >> k & 1) > 0 for k in range(16)]
        counts = boundary_counts(
            probabilities, [t for t in truths if t.any()],
            [k / 6 for k in range(1, 6)])
        total = total + counts
        best = best + counts[best_f(counts)[2].argmax()]
    want = np.loadtxt(BENCH / 'reference/eval_bdry_thr.txt')
    np.testing.assert_allclose(best_f(total)[2], want[:, 3], atol=.001)
    assert best_f(total)[2].max() == pytest.approx(.704628, abs=.002)
    assert best_f(best)[2] == pytest.approx(.708698, abs=.002)
