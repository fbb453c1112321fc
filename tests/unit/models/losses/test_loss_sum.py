import torch

from mmmultas.models.losses import LossSum


def test_merging_equals_the_union():
    values = torch.tensor([1., 2., 3., 10.])
    parts = [
        LossSum(part.sum(), torch.tensor(float(len(part))))
        for part in (values[:3], values[3:])
    ]
    assert parts[0].merge(parts[1]).mean() == values.mean()


def test_a_count_of_zero_divides_by_one():
    empty = LossSum(torch.tensor(3.), torch.tensor(0.))
    assert empty.mean() == 3
    assert LossSum(torch.tensor(3.), torch.tensor(.5)).mean() == 6


def test_a_given_count_replaces_the_own():
    loss = LossSum(torch.tensor(6.), torch.tensor(2.))
    assert loss.mean(torch.tensor(4.)) == 1.5
