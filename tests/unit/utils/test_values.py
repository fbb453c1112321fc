import math

import pytest

from mmmultas.utils.errors import ConfigError
from mmmultas.utils.values import number_of


@pytest.mark.parametrize('value, stop', [
    (0, None), (0.0, 1), (1, 1), (1e300, None), (10**300, None)])
def test_numbers(value, stop):
    assert number_of('`key`', value, stop) is value


@pytest.mark.parametrize('value, shown', [
    (True, 'True'), ('5', "'5'"), (None, 'None'), ([1], r'\[1\]'),
    (-1e-9, '-1e-09'), (math.inf, 'inf'), (math.nan, 'nan'),
    (10**400, r'10+\.\.\.0+')])
def test_no_numbers(value, shown):
    for stop, asked in ((None, 'a finite number, 0 or more'),
                        (1, 'a number, 0 or more and 1 or less')):
        with pytest.raises(
                ConfigError, match=f'^`key` must be {asked}, got {shown}\\.$'):
            number_of('`key`', value, stop)
    with pytest.raises(ConfigError, match='0.5 or less, got 0.6'):
        number_of('`key`', 0.6, 0.5)
