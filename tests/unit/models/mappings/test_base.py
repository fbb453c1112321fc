import torch

from mmmultas.models.mappings.base import ConvNorm, FiLM


def test_film_starts_as_nothing_and_knows_its_column():
    film = FiLM(3, 2)
    gamma, beta = film(torch.tensor([0, 1, 1]))
    assert gamma.shape == beta.shape == (3, 3)
    assert (gamma == 1).all() and (beta == 0).all()
    (film(torch.tensor([1, 1]))[0].sum()).backward()
    assert film.gamma.grad.tolist() == [[0, 2]] * 3


def test_items_may_share_a_map():
    torch.manual_seed(0)
    layer = ConvNorm(2, 3)
    x = torch.randn(2, 2, 4, 4)
    spread = torch.tensor([1, 0, 1])
    torch.testing.assert_close(layer(x, spread=spread), layer(x[spread]))
