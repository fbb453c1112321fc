"""Matching thin boundaries one to one, as BSDS500's benchmark does.

Only the benchmark's rule is taken, no code: a map at or above a threshold is
thinned; predicted and annotated pixels are matched one to one within a
distance; recall counts matched pixels of every annotator, precision predicted
pixels that any annotator matches (Martin, Fowlkes and Malik, TPAMI 2004;
SPEC-MTPSL 4).
"""
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

__all__ = ['best_f', 'boundary_counts', 'match_boundaries', 'thin']

Mask = NDArray[np.bool_]
#: Weights of the neighbours, counter-clockwise from the right.
_KERNEL = np.array([[8, 4, 2], [16, 0, 1], [32, 64, 128]], np.float32)


def thin(mask: Mask) -> Mask:
    """Lines of one pixel (Guo and Hall, CACM 1989), as Matlab's bwmorph.

    Args:
        mask: (H, W).

    Example:
        >>> thin(np.ones((3, 5), bool)).astype(int).tolist()
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    image: Any = mask.astype(np.uint8)
    while True:
        before = cv2.countNonZero(image)
        for table in _TABLES:
            codes = cv2.filter2D(image, cv2.CV_8U, _KERNEL,
                                 borderType=cv2.BORDER_CONSTANT)
            image = cv2.bitwise_and(image, cv2.LUT(codes, table))
        if cv2.countNonZero(image) == before:
            return np.asarray(image, bool)


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Of the 256 neighbourhoods, which pixel stays in each half step."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    x = [bits[:, i % 8].astype(bool) for i in range(9)]  # x[0] is the right
    crossings = sum(~x[i] & (x[i + 1] | x[(i + 2) % 8])
                    for i in (0, 2, 4, 6))
    first = sum((x[i] | x[i + 1]).astype(int) for i in (0, 2, 4, 6))
    second = sum((x[i + 1] | x[(i + 2) % 8]).astype(int)
                 for i in (0, 2, 4, 6))
    fewer = np.minimum(first, second)
    simple = (crossings == 1) & (fewer >= 2) & (fewer <= 3)
    north = ~((x[1] | x[2] | ~x[7]) & x[0])
    south = ~((x[5] | x[6] | ~x[3]) & x[4])
    keep = [np.where(simple & side, 0, 1) for side in (north, south)]
    return keep[0].astype(np.uint8), keep[1].astype(np.uint8)


_TABLES = _tables()


def match_boundaries(found: Mask, truth: Mask,
                     distance: float) -> tuple[Mask, int]:
    """Match pixels one to one, as many as there can be.

    Args:
        found: (H, W) predicted boundary pixels, thin.
        truth: (H, W) annotated ones.
        distance: Farthest that a pair may lie apart, in pixels.

    Returns:
        tuple: (H, W), which predicted pixels are matched, and how many.

    Example:
        >>> a = np.eye(4, dtype=bool)
        >>> match_boundaries(a, np.roll(a, 1, 1), 1.0)[1]
        3
    """
    matched = np.zeros_like(found)
    rows, columns = _pairs(found, truth, distance)
    if not len(rows):
        return matched, 0
    ours, rows = np.unique(rows, return_inverse=True)
    theirs, columns = np.unique(columns, return_inverse=True)
    hit = _matched(rows, columns, len(ours), len(theirs))
    matched.flat[ours[hit]] = True
    return matched, int(hit.sum())


def _matched(rows: NDArray[np.int64], columns: NDArray[np.int64],
             ours: int, theirs: int) -> NDArray[np.bool_]:
    """Who of ours is in a largest one-to-one matching along some edges.

    As a flow by Dinic's algorithm: SciPy's ``maximum_bipartite_matching``
    takes a hundred times as long where both sides are alike in number.
    """
    first, last = ours, ours + theirs
    source, sink = last, last + 1
    starts = np.concatenate([
        np.full(ours, source), rows, np.arange(first, last)])
    ends = np.concatenate([
        np.arange(ours), columns + first, np.full(theirs, sink)])
    graph = csr_matrix((np.ones(len(starts), np.int32), (starts, ends)),
                       (sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink, method='dinic').flow
    return np.asarray(flow[[source], :ours].toarray()[0] > 0)


def _pairs(found: Mask, truth: Mask,
           distance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of all pairs within the distance, the nearest ones first."""
    reach = int(distance)
    height, width = found.shape
    y, x = np.nonzero(found)
    padded = np.pad(truth, reach)
    offsets = [(dy * dy + dx * dx, dy, dx)
               for dy in range(-reach, reach + 1)
               for dx in range(-reach, reach + 1)
               if dy * dy + dx * dx <= distance * distance]
    rows, columns = [], []
    for _, dy, dx in sorted(offsets):
        near = padded[y + dy + reach, x + dx + reach]
        rows.append(y[near] * width + x[near])
        columns.append((y[near] + dy) * width + x[near] + dx)
    return np.concatenate(rows), np.concatenate(columns)


def boundary_counts(probabilities: NDArray[np.floating],
                    truths: Sequence[Mask],
                    thresholds: Sequence[float],
                    max_dist: float = 0.0075,
                    known: Mask | None = None) -> NDArray[np.int64]:
    """Counts of an image from which precision and recall follow.

    Args:
        probabilities: (H, W) in [0, 1].
        truths: (H, W) boundaries, one per annotator.
        thresholds: T of them.
        max_dist: Farthest pair, as a share of the image's diagonal.
        known: (H, W) pixels that take part; all by default.

    Returns:
        (T, 4): matched and all annotated pixels, matched and all predicted
        pixels.
    """
    distance = max_dist * math.hypot(*probabilities.shape)
    counts = np.zeros((len(thresholds), 4), np.int64)
    total = sum(int(truth.sum()) for truth in truths)
    earlier: tuple[int, int] | None = None
    for row, threshold in enumerate(thresholds):
        above: Mask = np.asarray(probabilities >= threshold)
        if known is not None:
            above = np.logical_and(above, known)
        size = int(above.sum())
        if earlier is not None and earlier[0] == size:
            counts[row] = counts[earlier[1]]  # the same map again
            continue
        earlier = (size, row)
        line = thin(above)
        hit, recalled = np.zeros_like(line), 0
        for truth in truths:
            matched, number = match_boundaries(line, truth, distance)
            hit = np.logical_or(hit, matched)
            recalled += number
        counts[row] = recalled, total, hit.sum(), line.sum()
    return counts


def best_f(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:
    """Precision, recall and F of counts (..., 4); 0 where there is nothing.

    Example:
        >>> [float(x) for x in best_f(np.array([1, 2, 1, 1]))]
        [1.0, 0.5, 0.6666666666666666]
    """
    matched, total, hits, found = np.moveaxis(
        counts.astype(np.float64), -1, 0)
    recall = matched / np.maximum(total, 1)
    precision = hits / np.maximum(found, 1)
    both = precision + recall
    f_score = np.where(both > 0, 2 * precision * recall / np.maximum(
        both, 1e-12), 0)
    return precision, recall, f_score
