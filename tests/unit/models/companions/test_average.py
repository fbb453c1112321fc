import copy
from types import SimpleNamespace

import pytest
import torch

from mmmultas.models.companions.average import Average, check_detects
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


def test_it_is_asked_without_gradient_and_in_evaluation():
    network = MODELS.build(toy_model(dropout=.5)).train()
    average = Average('model.companions.x')
    assert copy.deepcopy(average) is average
    with pytest.raises(ConfigError, match='has not been handed'):
        average.outputs(['seg'], torch.zeros(1, 3, 64, 64))
    average.meet(network)
    assert not any(m.training for m in network.modules())
    x = torch.randn(2, 3, 64, 64)
    outs = average.outputs(['seg', 'det'], x)
    assert torch.equal(outs['seg'], average.outputs(['seg'], x)['seg'])
    assert not outs['seg'].requires_grad
    samples = toy_batch((), 2)['data_samples']
    found = average.detect('det', x, samples)
    assert len(found) == 2 and found[0].bboxes.shape[1] == 4


def test_none_is_refused():
    with pytest.raises(ConfigError, match='custom_hooks=.*EMAHook'):
        Average('model.companions.x').meet(None)


def test_heads_that_do_not_say_how_they_predict():
    check_detects(SimpleNamespace(test_cfg=dict()), 'h', 'k')
    with pytest.raises(ConfigError, match='`k` asks for the boxes that `h` .*'
                                          'no `test_cfg`'):
        check_detects(SimpleNamespace(test_cfg=None), 'h', 'k')
