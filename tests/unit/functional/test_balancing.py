import pytest
import torch

from mmmultas.functional import balancing


@pytest.fixture
def gram():
    """Products of five gradients of twelve numbers."""
    generator = torch.Generator().manual_seed(0)
    grads = torch.randn(5, 12, generator=generator).double()
    return grads @ grads.T


def test_no_point_of_the_simplex_is_shorter_than_mgdas(gram):
    weights = balancing.mgda(gram)
    assert weights.min() >= 0 and abs(weights.sum() - 1) < 1e-9
    best = weights @ gram @ weights
    draws = torch.distributions.Dirichlet(torch.ones(5).double()).sample(
        (500, ))
    assert (torch.einsum('ni,ij,nj->n', draws, gram, draws) >= best).all()


def test_cagrad_without_radius_is_the_mean(gram):
    torch.testing.assert_close(
        balancing.cagrad(gram, 0.0), torch.full((5, ), .2).double())


def test_cagrad_raises_the_worst_task(gram):
    mean = torch.full((5, ), .2).double()
    found = balancing.cagrad(gram, .5, 0)
    assert (gram @ found).min() > (gram @ mean).min()
    # it stays within the radius
    gap = found - mean
    assert (gap @ gram @ gap).sqrt() <= .5 * (mean @ gram @ mean).sqrt() + 1e-6


def test_fairgrad_solves_its_equation_at_any_scale(gram):
    for scale in (1e-8, 1, 1e8):
        a = balancing.fairgrad(scale * gram)
        torch.testing.assert_close(
            a * (scale * gram @ a), torch.ones(5).double())
    assert balancing.fairgrad(torch.zeros(2, 2).double()).isnan().all()
    opposite = torch.tensor([[1., -1.], [-1., 1.]]).double()
    assert balancing.fairgrad(opposite).isnan().all()


def test_gradnorm_leaves_out_who_is_absent():
    logits, losses = torch.zeros(3), torch.tensor([1., 2., 9.])
    args = logits, losses, torch.tensor([1., 4., 5.]), torch.ones(3)
    here = torch.tensor([True, True, False])
    slope = balancing.gradnorm_slope(*args, here)
    other = balancing.gradnorm_slope(
        logits, torch.tensor([1., 2., 3.]), args[2], args[3], here)
    assert torch.equal(slope, other)
    assert slope[1] > slope[0]  # the longer gradient is made shorter


def test_weights_that_make_gradients_equal():
    norms = torch.tensor([1., 2., 6.])
    assert torch.equal(balancing.equal_norms(norms) * norms,
                       torch.full((3, ), 3.))


def test_losses_that_fall_slowly_weigh_more():
    weights = balancing.dwa(torch.tensor([1., .5]), torch.ones(2))
    assert weights[0] > weights[1] and weights.sum() == pytest.approx(2)
    assert balancing.uw_so(torch.tensor([1., 2.]))[0] > .5
    assert torch.equal(balancing.gls(torch.tensor([2., 4.]), True),
                       torch.tensor([.5, .25]))


def test_cosines_that_are_as_expected_stay():
    gram = torch.tensor([[1., .5], [.5, 1.]]).double()
    weights, targets = balancing.gradvac(
        gram, torch.zeros(2, 2).double(), [[1], [0]], .5)
    assert weights.tolist() == [1, 1]
    assert targets.tolist() == [[0, .25], [.25, 0]]
    turned, _ = balancing.gradvac(
        gram, torch.full((2, 2), .9).double(), [[1], [0]], .5)
    assert (turned > 1).all()


def test_too_many_tasks_for_an_exact_solution():
    with pytest.raises(ValueError, match='limit is 8'):
        balancing.mgda(torch.eye(9).double())


def test_adam_is_that_of_torch():
    value = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([value], lr=.1)
    mean, square, steps = torch.zeros(3, 3).double()
    own = torch.zeros(3).double()
    for k in range(5):
        value.grad = torch.tensor([1., -k, k % 2]).double()
        adam.step()
        steps = steps + 1
        step, mean, square = balancing.adam(value.grad, mean, square, steps)
        own = own - .1 * step
        torch.testing.assert_close(own, value.detach())
