import pytest

from mmmultas.models.balancers import Balancer


def test_a_rule_says_its_weights():
    with pytest.raises(NotImplementedError):
        Balancer().weights({})
    assert Balancer().extra_state() == {}
