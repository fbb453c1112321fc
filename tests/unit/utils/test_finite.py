import pytest
import torch

from mmmultas.utils.errors import UserError
from mmmultas.utils.finite import NonFiniteLossError, check_finite


def _terms(**values):
    return {k: torch.tensor(v) for k, v in values.items()}


def test_numbers_pass():
    check_finite({})
    check_finite(_terms(loss=3.0, loss_a=1.0, loss_b=2.0))
    # nothing is learnt from a statistic
    check_finite(_terms(loss=3.0, acc=float('nan')))


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_others_are_named(value):
    terms = _terms(loss=float(value), loss_a=float(value), loss_b=2.0)
    with pytest.raises(NonFiniteLossError, match=f'loss_a={value}') as error:
        check_finite(terms)
    assert isinstance(error.value, UserError)
    assert list(error.value.culprits) == ['loss_a']
    assert error.value.terms['loss_b'] == 2


def test_a_sum_that_overflows():
    with pytest.raises(NonFiniteLossError, match='loss=inf') as error:
        check_finite(_terms(loss=float('inf'), loss_a=3e38, loss_b=3e38))
    assert list(error.value.culprits) == ['loss']


def test_another_process():
    assert 'another process' in str(NonFiniteLossError(dict(loss=1.0)))
