import pytest
import torch
import torch.nn.functional as F

from mmmultas.functional.task_space import (conditioned_norm, cosine_distance,
                                            gumbel_noise, gumbel_sample,
                                            one_hot_maps, pair_column,
                                            pairs_between, relative_depth,
                                            seen_by, yes_maps)


def test_pairs():
    for count in (2, 3, 5):
        pairs = pairs_between([True] * count)
        columns = [pair_column(s, t, count) for s, t in pairs]
        assert sorted(columns) == list(range(count * (count - 1)))
    assert pairs_between([True]) == [] and pairs_between([False] * 3) == []
    assert pairs_between([True, False, True]) == [(1, 0), (1, 2)]


def test_gumbel_samples_follow_the_probabilities():
    generator = torch.Generator().manual_seed(0)
    p = torch.tensor([.7, .2, .1])
    logp = p.log().reshape(1, 3, 1, 1).expand(1, 3, 100, 100)
    noise = gumbel_noise(logp.shape, generator)
    drawn = gumbel_sample(logp, noise)
    assert set(drawn.unique().tolist()) == {0., 1.}
    assert (drawn.sum(1) == 1).all()
    torch.testing.assert_close(drawn.mean((0, 2, 3)), p, atol=.02, rtol=0)
    again = gumbel_noise(logp.shape, torch.Generator().manual_seed(0))
    assert torch.equal(noise, again) and torch.isfinite(noise).all()


def test_gumbel_gradient_is_that_of_the_softmax():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    noise = gumbel_noise(logits.shape, torch.Generator().manual_seed(1))
    weight = torch.randn(1, 3, 2, 2)
    ours, = torch.autograd.grad(
        (gumbel_sample(logits, noise) * weight).sum(), logits)
    soft, = torch.autograd.grad(
        ((logits + noise).softmax(1) * weight).sum(), logits)
    torch.testing.assert_close(ours, soft)


def test_labels_that_are_invalid():
    maps = one_hot_maps(torch.tensor([[[0, 255], [-1, 2]]]), 3)
    assert maps.sum(1).tolist() == [[[1, 0], [0, 1]]]
    assert yes_maps(torch.tensor([1, 0, 255])).tolist() == [1, 0, 0]


def test_depth_of_each_image_by_its_own_maximum():
    depth = torch.tensor([[1., 2.], [-1., -3.], [0., 0.]])
    depth = depth.reshape(3, 1, 1, 2).requires_grad_()
    found = relative_depth(depth)
    assert found.flatten().tolist() == [.5, 1, -1, -3, 0, 0]
    found[..., 0].sum().backward()
    # the maximum of the first image takes part
    assert depth.grad.flatten().tolist() == [.5, -.25, 1, 0, 1, 0]


def test_distance_and_its_limits():
    x = torch.rand(3, 4, 2, 2, requires_grad=True)
    assert cosine_distance(x, x * 3).abs().max() < 1e-6
    torch.testing.assert_close(cosine_distance(x, -x), torch.full((3, ), 2.))
    zero = torch.zeros(3, 4, 2, 2, requires_grad=True)
    found = cosine_distance(zero, x)
    found.sum().backward()
    assert (found == 1).all() and (zero.grad == 0).all()


@pytest.mark.parametrize('film', [False, True])
def test_norm_with_film_is_batch_norm_of_each_item(film):
    torch.manual_seed(0)
    x = torch.randn(3, 4, 5, 6, dtype=torch.double)
    weight, bias = torch.randn(2, 4, dtype=torch.double)
    gamma, beta = torch.randn(2, 3, 4, dtype=torch.double)
    found = conditioned_norm(x, weight, bias,
                             *((gamma, beta) if film else ()))
    for i in range(3):
        one = F.batch_norm(x[i:i + 1], None, None, weight, bias, True)[0]
        if film:
            one = one * gamma[i, :, None, None] + beta[i, :, None, None]
        torch.testing.assert_close(found[i], one)


def test_a_part_that_is_enlarged():
    maps = torch.arange(16.).reshape(1, 1, 4, 4)
    matrix = torch.tensor([[[2., 0, -2], [0, 2, -2], [0, 0, 1]]])
    found, inside = seen_by(maps, matrix)
    torch.testing.assert_close(found[0, 0], torch.nn.functional.interpolate(
        maps, scale_factor=2, mode='bilinear')[0, 0, 2:6, 2:6])
    assert inside.all()
    shift = torch.tensor([[[1., 0, 1], [0, 1, 0], [0, 0, 1]]])
    found, inside = seen_by(maps, shift)
    assert torch.equal(found[..., 1:], maps[..., :-1])
    assert inside[0, 0, 0].tolist() == [False, True, True, True]
