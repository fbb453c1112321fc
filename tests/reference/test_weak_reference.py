"""Weak losses against values of loops by the formula and of public code.

They come from SPEC-WEAK's reference file, given by MMMULTAS_WEAK_REFERENCE
or found beside the repository; without it these tests skip.
"""
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmmultas.functional.box_supervision import (allowed_classes, box_cells,
                                                 constrained_labels,
                                                 inner_boxes, line_mil,
                                                 narrowed, rank_targets,
                                                 set_losses, smallest_on_top)
from mmmultas.functional.colour_pairs import colour_affinity, colour_likeness

BESIDE = (Path(__file__).resolve().parents[3] /
          'shared/golden/weak_reference_0.npz')
PATH = Path(os.environ.get('MMMULTAS_WEAK_REFERENCE', BESIDE))
pytestmark = pytest.mark.skipif(
    not PATH.is_file(),
    reason='set MMMULTAS_WEAK_REFERENCE to the reference values')
FREE = torch.tensor([True] + [False] * 5)


@pytest.fixture(scope='module')
def ref():
    file = np.load(PATH)
    return lambda key: torch.from_numpy(np.asarray(file[key]))


@pytest.fixture(scope='module')
def boxed(ref):
    """Logits, cells and pixel classes of the boxes of a crop."""
    logits = ref('b4m_logits')
    cells = box_cells(ref('b4m_boxes'), logits.shape[1:])
    lost = box_cells(ref('b4m_dropped'), logits.shape[1:])
    labels, others = ref('b4m_labels') + 1, ref('b4m_dropped_labels') + 1
    valid = box_cells(ref('b4m_seen')[None], logits.shape[1:])[0]
    allowed = allowed_classes(torch.cat([cells, lost]),
                              torch.cat([labels, others]), FREE)
    return logits, cells, labels, lost, valid, allowed


def _close(ours, theirs, **tolerance):
    torch.testing.assert_close(
        torch.as_tensor(ours).double(), torch.as_tensor(theirs).double(),
        **(tolerance or dict(rtol=1e-5, atol=1e-7)))


def test_classes_that_a_cell_may_show(ref, boxed):
    logits, _, _, _, valid, allowed = boxed
    assert torch.equal(valid, ref('b4m_valid'))
    assert torch.equal(allowed, ref('b4m_allowed'))
    losses = set_losses(logits, allowed)
    _close(losses[valid], ref('b4m_set_pixels')[valid])
    _close(losses[valid].mean(), ref('b4m_set_loss'))


def test_lines(ref, boxed):
    logits, cells, labels, *_ = boxed
    losses, speak = line_mil(logits, cells, labels)
    assert speak.all()
    _close(losses, ref('b4m_mil_boxes'))
    _close(losses.mean(), ref('b4m_mil_loss'))


def test_ranks(ref, boxed):
    logits, cells, labels, lost, valid, allowed = boxed
    rates = ref('b4m_rates')[labels - 1]
    target = rank_targets(logits, allowed, cells, labels, rates,
                          float(ref('b4m_delta')), lost.any(0))
    assert torch.equal(target.masked_fill(~valid, 255),
                       ref('b4m_rank_target'))


def test_static_targets(ref, boxed):
    _, cells, labels, _, valid, _ = boxed
    boxes = ref('b4m_boxes')
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    filled = smallest_on_top(cells, labels, areas)
    assert torch.equal(filled.masked_fill(~valid, 255), ref('b4m_filled'))
    inner = smallest_on_top(cells, labels, areas,
                            box_cells(inner_boxes(boxes), cells.shape[1:]))
    assert torch.equal(inner.masked_fill(~valid, 255), ref('b4m_inner'))


def test_colours(ref):
    alike = colour_likeness(ref('boxinst_lab'), ref('boxinst_valid') > 0)
    _close(alike, ref('boxinst_similarity'), rtol=1e-5, atol=1e-6)
    alike = colour_likeness(ref('pair_lab'))
    _close(alike, ref('pair_similarity'))
    total, count = colour_affinity(ref('pair_logits'), alike,
                                   ref('pair_inside'),
                                   float(ref('pair_tau')))
    assert count == ref('pair_edges')
    _close(total / count, ref('pair_loss'))


def test_affinity_of_two_classes_is_boxinsts(ref):
    logits = ref('boxinst_logits')
    alike = ref('boxinst_similarity').double()
    inside = torch.zeros(24, 24, dtype=torch.bool)
    inside[8:16, 8:16] = True  # all neighbours exist
    for one, expected in zip(logits, ref('boxinst_affinity')):
        both = torch.stack([torch.zeros_like(one), one])
        total, count = colour_affinity(both, alike, inside)
        pairs = (alike >= .3) & inside
        assert count == pairs.sum()
        _close(total, expected.double()[pairs].sum(), rtol=1e-4, atol=1e-4)


def test_constrained_labels(ref):
    """Labels of a teacher among the classes that boxes allow."""
    least = float(ref('fix_constrained_threshold'))
    for logits, allowed, ignored, expected in zip(
            ref('fix_weak'), ref('fix_allowed'), ref('fix_ignore'),
            ref('fix_constrained')):
        label = constrained_labels(logits, allowed, least)
        assert torch.equal(label.masked_fill(ignored, 255), expected)
        target = narrowed(allowed, label, FREE[:5])
        assert target.any(0).all()
