import pytest
import torch

from mmmultas.models.rows import mapped, take_rows


@pytest.mark.parametrize('rows', [[0, 1, 2, 3], [1, 2], [3], [2, 0], []])
def test_rows_of_nested_outputs(rows):
    x = torch.arange(8.).reshape(4, 2).requires_grad_()
    taken = take_rows(dict(a=(x, [x + 1]), n=3), rows, 4)
    assert torch.equal(taken['a'][0], x[rows])
    assert torch.equal(taken['a'][1][0], x[rows] + 1) and taken['n'] == 3
    take_rows(x, rows, 4).sum().backward()
    assert x.grad[:, 0].tolist() == [float(i in rows) for i in range(4)]


def test_all_rows_and_neighbours_are_no_copy():
    x = torch.zeros(4, 2)
    assert take_rows(x, range(4), 4) is x
    assert take_rows(x, [1, 2], 4).data_ptr() == x[1:].data_ptr()


def test_mapped_reaches_every_tensor():
    out = mapped(torch.neg, (torch.ones(1), dict(a=[torch.ones(1)], b=None)))
    assert out == [torch.tensor([-1.]), dict(a=[torch.tensor([-1.])], b=None)]
