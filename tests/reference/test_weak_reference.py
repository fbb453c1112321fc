"""Weak losses against values of loops by the formula and of public code.

They come from SPEC-WEAK's reference file, given by MMMULTAS_WEAK_REFERENCE
or found beside the repository; without it these tests skip.
"""
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import InstanceData

from mmmultas.functional.box_supervision import (NONE, allowed_classes,
                                                 best_allowed, box_cells,
                                                 inner_boxes, line_dice,
                                                 line_mil,
                                                 narrowed, rank_targets,
                                                 set_losses, smallest_on_top)
from mmmultas.functional.class_maps import (class_feature_losses,
                                            class_features, class_maps,
                                            class_seeds, joined_views,
                                            multilabel_losses, scaled_maps)
from mmmultas.functional.colour_pairs import colour_affinity, colour_likeness
from mmmultas.functional.consistency import warp_boxes, warp_map
from mmmultas.functional.mask_supervision import (class_cover, filling_rates,
                                                  kept_blobs, refined_blobs,
                                                  uncertain_entries)
from mmmultas.models.assigners import IoUMatcher
from mmmultas.models.companions.blobs import blobs_of

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


def _as_written(target, valid):
    """The reference writes 0 for the background."""
    return target.masked_fill(target == NONE, 0).masked_fill(~valid, 255)


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
    assert torch.equal(_as_written(target, valid),
                       ref('b4m_rank_target'))


def test_static_targets(ref, boxed):
    _, cells, labels, _, valid, _ = boxed
    boxes = ref('b4m_boxes')
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    filled = smallest_on_top(cells, labels, areas)
    assert torch.equal(_as_written(filled, valid), ref('b4m_filled'))
    inner = smallest_on_top(cells, labels, areas,
                            box_cells(inner_boxes(boxes), cells.shape[1:]))
    assert torch.equal(_as_written(inner, valid), ref('b4m_inner'))


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


def test_boxinsts_projections_and_pairs(ref):
    """Both losses, the pairs at half of their warm-up, and the gradient."""
    logits = ref('boxinst_logits').requires_grad_()
    boxes = ref('boxinst_targets')[ref('boxinst_assigned')] > 0
    losses, speak = line_dice(logits.sigmoid(), boxes)
    assert speak.all()
    _close(losses.mean(), ref('boxinst_project'))
    totals = [
        colour_affinity(torch.stack([torch.zeros_like(one), one]),
                        ref('boxinst_similarity'), box)
        for one, box in zip(logits, boxes)]
    pairs = sum(t for t, _ in totals) / sum(n for _, n in totals) / 2
    _close(pairs, ref('boxinst_pairwise_half_warm'), rtol=1e-4, atol=1e-6)
    (losses.mean() + pairs).backward()
    _close(logits.grad, ref('boxinst_grad'), rtol=1e-3, atol=1e-6)


def _sure(logits, allowed, least):
    score, label = best_allowed(logits, allowed)
    return label.masked_fill(score < least, 255)


def test_constrained_labels(ref):
    """Labels of a teacher among the classes that boxes allow."""
    least = float(ref('fix_constrained_threshold'))
    for logits, allowed, ignored, expected in zip(
            ref('fix_weak'), ref('fix_allowed'), ref('fix_ignore'),
            ref('fix_constrained')):
        label = _sure(logits, allowed, least)
        assert torch.equal(label.masked_fill(ignored, 255), expected)
        target = narrowed(allowed, label, FREE[:5])
        assert target.any(0).all()


@pytest.fixture(scope='module')
def mask(ref):
    return ref('m4b_mask').long()


def test_blobs(ref, mask):
    _, blobs = blobs_of(mask, range(1, 9))
    least, rel = float(ref('m4b_min_area')), float(ref('m4b_rel'))
    assert torch.equal(blobs[kept_blobs(blobs, least, 0)], ref('m4b_blobs'))
    assert torch.equal(blobs[kept_blobs(blobs, least, rel)],
                       ref('m4b_blobs_rel'))


@pytest.mark.parametrize('suffix', ['', '_rel'])
def test_anchors_that_masks_speak_about(ref, mask, suffix):
    _, blobs = blobs_of(mask, range(1, 9))
    anchors = ref('m4b_anchors').double()
    cover = class_cover(mask, anchors, torch.arange(1, 9))
    _close(cover, ref('m4b_cover'), rtol=1e-6, atol=1e-6)
    keep = kept_blobs(blobs, float(ref('m4b_min_area')),
                      float(ref('m4b_rel')) if suffix else 0)
    kept, left = blobs[keep], blobs[~keep]
    if not suffix:
        left = left[:0]
    targets = IoUMatcher().assign(
        anchors, InstanceData(bboxes=kept[:, :4].double(),
                              labels=kept[:, 5] - 1), 8)
    target = targets.cls_target > 0
    assert torch.equal(target, ref(f'm4b_target{suffix}'))
    ignore = targets.cls_ignore | uncertain_entries(
        cover, anchors, left[:, :4], left[:, 5] - 1)
    assert torch.equal(ignore & ~target, ref(f'm4b_ignore{suffix}'))


def test_split_and_merge(ref, mask):
    ids, blobs = blobs_of(mask, range(1, 9))
    keep = kept_blobs(blobs, float(ref('m4b_min_area')), 0)
    numbers = torch.cat([torch.zeros(1).long(),
                         keep.long().cumsum(0) * keep])
    found = refined_blobs(numbers[ids], blobs[keep], ref('m4b_dets').float(),
                          ref('m4b_det_labels'))
    _close(found, ref('m4b_refined'))


def test_rates(ref):
    sums, counts = torch.zeros(5), torch.zeros(5)
    for one in ref('rate_masks').long():
        _, blobs = blobs_of(one, range(1, 6))
        blobs = blobs[blobs[:, 4] >= .005 * one.numel()]
        box = (blobs[:, 2] - blobs[:, 0]) * (blobs[:, 3] - blobs[:, 1])
        sums.index_add_(0, blobs[:, 5] - 1, blobs[:, 4] / box)
        counts.index_add_(0, blobs[:, 5] - 1, torch.ones(len(blobs)))
    _close(sums.sum() / counts.sum(), ref('rate_mean'))
    _close(filling_rates(sums, counts), ref('rate_rates'))


def test_views(ref):
    moved = warp_map(ref('warp_labels').long(), ref('warp_matrix'),
                     tuple(ref('warp_size').tolist()))
    assert torch.equal(moved, ref('warp_moved').long())
    boxes, seen = warp_boxes(ref('warp_boxes'), ref('warp_matrix'),
                             tuple(ref('warp_size').tolist()))
    _close(boxes, ref('warp_boxes_moved'))
    _close(seen, ref('warp_boxes_visible'))


def test_consistency_over_all_pixels(ref):
    """Sure pixels' cross-entropy over all that are not ignored (UniMatch),
    and over all (AugSeg)."""
    strong = ref('fix_strong').requires_grad_()
    weak, ignored = ref('fix_weak'), ref('fix_ignore')
    everything = torch.ones_like(weak[0], dtype=torch.bool)
    labels = torch.stack([
        _sure(x, everything, float(ref('fix_threshold')))
        for x in weak])
    total = F.cross_entropy(strong, labels.masked_fill(ignored, 255),
                            ignore_index=255, reduction='sum')
    _close(total / labels.numel(), ref('fix_loss_augseg'))
    loss = total / (~ignored).sum()
    _close(loss, ref('fix_loss_unimatch'))
    loss.backward()
    _close(strong.grad, ref('fix_grad'))


def test_class_maps_and_both_losses_of_recam(ref):
    feature = ref('recam_feature')
    weights = [ref(f'recam_weight{n}').requires_grad_() for n in ('', 2)]
    first, second = (w[..., 0, 0] for w in weights)
    present = ref('recam_label') > 0
    scores = feature.mean((2, 3)) @ first.t()
    _close(scores, ref('recam_logit').reshape(scores.shape))
    maps = scaled_maps(class_maps(feature, first))
    _close(maps, ref('recam_cam'))
    found = class_features(feature, maps)
    _close(found, ref('recam_class_feature'), rtol=1e-4, atol=1e-6)
    loss = multilabel_losses(scores, present).mean()
    _close(loss, ref('recam_loss_cls'))
    other = class_feature_losses(found @ second.t(), present).mean()
    _close(other, ref('recam_loss_ce'))
    (loss + other).backward()
    for weight, name in zip(weights, ('', 2)):
        _close(weight.grad, ref(f'recam_grad_weight{name}'), rtol=1e-4,
               atol=1e-6)


def test_seeds_of_several_scales_and_mirror_images(ref):
    weight = (ref('recam_weight') * ref('recam_weight2'))[..., 0, 0]
    present = ref('recam_label')[0] > 0
    total = sum(
        joined_views(class_maps(ref(f'recam_view{n}'), weight), (21, 26))
        for n in range(3))[present]
    maps = scaled_maps(total[None])[0]
    _close(maps, ref('recam_map'), rtol=1e-4, atol=1e-5)
    every = torch.zeros(len(present), 21, 26)
    every[present] = maps
    seeds = class_seeds(every, float(ref('recam_threshold')))
    assert torch.equal(seeds, ref('recam_seed').long())
