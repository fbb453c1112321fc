import math

import pytest
import torch

from mmmultas.functional.distillation import (balanced_soft_bce,
                                              defeat_terms, feature_mse,
                                              foreground_mask, masked_kl,
                                              pdf_terms)


def _pair(*shape):
    torch.manual_seed(0)
    return (torch.randn(shape, dtype=torch.float64, requires_grad=True),
            torch.randn(shape, dtype=torch.float64, requires_grad=True))


def _pdf_inputs():
    torch.manual_seed(0)
    shapes = dict(f=(2, 3, 4), c=(2, 6, 5), b=(2, 6, 4))
    tensors = []
    for shape in shapes.values():
        tensors += [
            torch.randn(shape, dtype=torch.float64, requires_grad=True)
            for _ in range(2)
        ]
    return tensors


def test_nothing_to_learn_from_oneself():
    fs, _, cs, _, bs, _ = _pdf_inputs()
    terms = pdf_terms(fs, fs, cs, cs, bs, bs)
    assert all(float(term) == 0 for term in terms.values())
    assert feature_mse(fs, fs) == 0
    mask = torch.ones(2, 3, dtype=torch.bool)
    assert defeat_terms(fs, fs, mask) == (0, 0)
    scores = torch.randn(1, 3, 2, 2)
    assert masked_kl(scores, scores) == pytest.approx(0, abs=1e-7)


def test_no_gradient_for_a_teacher():
    fs, ft, cs, ct, bs, bt = _pdf_inputs()
    mask = torch.tensor([[True, False, True]] * 2)
    loss = sum(pdf_terms(fs, ft, cs, ct, bs, bt).values())
    loss = loss + feature_mse(fs, ft) + sum(defeat_terms(fs, ft, mask))
    loss = loss + balanced_soft_bce(cs, ct)
    loss.backward()
    assert all(t.grad is None for t in (ft, ct, bt))
    assert all(t.grad.abs().sum() > 0 for t in (fs, cs, bs))


def test_pdf_by_hand():
    fs, ft, cs, ct, bs, bt = (t.detach() for t in _pdf_inputs())
    terms = pdf_terms(fs, ft, cs, ct, bs, bt)
    weights, entropy, believed = {}, 0.0, 0
    for n in range(2):
        for a in range(6):
            gaps = []
            for c in range(5):
                p, t = (1 / (1 + math.exp(-float(x[n, a, c])))
                        for x in (cs, ct))
                gaps.append((p - t)**2)
                entropy -= gaps[-1] * (
                    t * math.log(p) + (1 - t) * math.log(1 - p))
                believed += t > 0.5
            place = (n, a // 2)
            weights[place] = weights.get(place, 0) + math.sqrt(sum(gaps)) / 2
    total = 4 * sum(weights.values())
    feature = sum(
        weight / total * float(((fs - ft)[place]**2).sum())
        for place, weight in weights.items())
    assert float(terms['feature']) == pytest.approx(feature)
    assert float(terms['cls']) == pytest.approx(entropy / believed)
    assert float(terms['box']) == pytest.approx(float((bs - bt).abs().mean()))


@pytest.mark.parametrize('per_channel', [False, True])
def test_defeat_by_hand(per_channel):
    ours, theirs = (t.detach() for t in _pair(2, 3, 4))
    mask = torch.tensor([[True, False, False], [True, True, False]])
    squared = ((ours - theirs)**2).sum(2)
    factor = 4 if per_channel else 1
    expected = [
        float(squared[part].sum()) / (2 * int(part.sum()) * factor) / 2
        for part in (mask, ~mask)
    ]
    terms = defeat_terms(ours, theirs, mask, per_channel)
    assert [float(t) for t in terms] == pytest.approx(expected)


def test_defeat_without_foreground():
    ours, theirs = _pair(1, 3, 4)
    foreground, background = defeat_terms(
        ours, theirs, torch.zeros(1, 3, dtype=torch.bool))
    assert foreground == 0 and background > 0


def test_mask_without_boxes_and_on_borders():
    centres = torch.tensor([[4., 4.], [12., 4.]])
    assert not foreground_mask(centres, torch.zeros(0, 4)).any()
    box = torch.tensor([[4., 0., 11., 4.]])
    assert foreground_mask(centres, box).tolist() == [True, False]


def test_soft_targets_at_the_limits():
    sure = torch.tensor([[60.0]])
    # a certain positive or negative is what focal loss makes of it
    assert balanced_soft_bce(-sure, sure) == pytest.approx(0.25 * 60)
    assert balanced_soft_bce(sure, -sure) == pytest.approx(0.75 * 60)
    assert balanced_soft_bce(sure, sure) == pytest.approx(0, abs=1e-6)


def test_kl_is_that_of_torch():
    student, teacher = (t.detach() for t in _pair(2, 5, 3, 4))
    expected = torch.nn.functional.kl_div(
        student.log_softmax(1), teacher.softmax(1),
        reduction='none').sum(1)
    torch.testing.assert_close(masked_kl(student, teacher), expected.mean())
    valid = torch.rand(2, 3, 4) > 0.5
    torch.testing.assert_close(
        masked_kl(student, teacher, valid_NHW=valid), expected[valid].mean())
    nothing = torch.zeros(2, 3, 4, dtype=torch.bool)
    assert masked_kl(student, teacher, valid_NHW=nothing) == 0


def test_temperature_keeps_the_size_of_gradients():
    student, teacher = _pair(1, 5, 8, 8)
    sizes = []
    for temperature in (10.0, 20.0):
        loss = masked_kl(student, teacher, temperature)
        grad, = torch.autograd.grad(loss, student)
        sizes.append(float(grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
