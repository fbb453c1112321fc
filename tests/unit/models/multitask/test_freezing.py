import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmmultas.models.multitask.freezing import freeze
from mmmultas.registry import MODELS
from mmmultas.testing import toy_batch, toy_model
from mmmultas.utils.errors import ConfigError


def test_gradients_are_off():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert freeze(model, ['0']) == freeze(model, '0') == [model[0]]
    assert [p.requires_grad for p in model.parameters()] == [
        False, False, True, True
    ]


@pytest.mark.parametrize('names, message', [
    (['backbon'], "did you mean 'backbone'"),
    ([''], "names ''"),
    (['backbone', 'neck', 'heads'], 'leaves nothing to train'),
])
def test_errors(names, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(dict(toy_model(), frozen=names))


def _steps(frozen, tasks=('det', 'seg'), copied=False):
    torch.manual_seed(0)
    model = MODELS.build(dict(toy_model(), frozen=frozen))
    if copied:  # as EMA does
        model = copy.deepcopy(model)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optim = OptimWrapper(
        torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1))
    for _ in range(2):
        model.train()
        model.train_step(dict(x=toy_batch(tasks, 2, 64)), optim)
    return model, {
        key.split('.')[0] if not key.startswith('heads') else 'heads'
        for key, value in model.state_dict().items()
        if not torch.equal(value, before[key])
    }


def test_a_frozen_encoder_stays_as_it_is():
    """Weights, decay, and the statistics of its batch norms."""
    assert _steps(())[1] == {'backbone', 'neck', 'heads'}
    for copied in (False, True):
        model, moved = _steps(('backbone', 'neck'), copied=copied)
        assert moved == {'heads'}
        assert not model.backbone.training and model.heads['det'].training
        model.eval()
        assert not model.heads['det'].training
    assert _steps(('backbone', ))[1] == {'neck', 'heads'}


def test_an_update_without_labels():
    assert _steps(('backbone', 'neck'), tasks=())[1] == set()
