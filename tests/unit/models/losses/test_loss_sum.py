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


def test_what_stands_for_a_count_of_zero():
    zero, two = torch.tensor(0.), torch.tensor(2.)
    loss = LossSum(torch.tensor(6.), zero, two)
    assert loss.mean() == 3
    assert loss.merge(loss).mean() == 3  # of two such groups, 12 / 4
    # some positives anywhere: the count divides, as if there was no third
    assert loss.merge(LossSum(zero, torch.tensor(1.))).mean() == 6
    assert loss.mean(two, two) == 3 and loss.mean(zero, zero) == 6
    assert loss.scaled(.5).mean() == 1.5
