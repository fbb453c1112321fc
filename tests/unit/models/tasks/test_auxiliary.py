import pytest

from mmmultas.models.tasks.auxiliary import auxiliary_cfgs, auxiliary_names
from mmmultas.utils.errors import ConfigError

MAIN = dict(type='UPerHead', num_classes=5)


def test_one_several_or_none():
    assert auxiliary_cfgs(None, MAIN) == []
    one = dict(type='FCNHead', num_classes=5)
    assert auxiliary_cfgs(dict(type='FCNHead'), MAIN) == [one]
    assert auxiliary_cfgs([one, dict(type='PSPHead')], MAIN) == [
        one, dict(type='PSPHead', num_classes=5)]
    assert auxiliary_names(1) == ['aux']
    assert auxiliary_names(2) == ['aux_0', 'aux_1']


def test_mistakes():
    with pytest.raises(ConfigError, match="got 'FCNHead' in it"):
        auxiliary_cfgs(['FCNHead'], MAIN)
    with pytest.raises(ConfigError, match='num_classes=4, but .* itself 5'):
        auxiliary_cfgs(dict(type='FCNHead', num_classes=4), MAIN)


def test_edges_have_classes_of_their_own():
    edges = dict(type='mmseg.STDCHead', num_classes=2)
    assert auxiliary_cfgs(edges, MAIN) == [edges]
