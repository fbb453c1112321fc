import pytest
import torch
from torch import nn

from mmmultas.models.multitask.task_gradients import (gram_of,
                                                      refuse_gradients,
                                                      shared_parameters,
                                                      task_gradients)
from mmmultas.utils.errors import ConfigError


@pytest.fixture
def model():
    net = nn.Module()
    net.backbone = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1))
    net.backbone[1].requires_grad_(False)
    net.neck = None
    nn.init.eye_(net.backbone[0].weight)
    return net


def test_what_is_shared(model):
    shared = shared_parameters(model, ('backbone', 'neck', 'backbone.0'))
    assert len(shared) == 1 and shared[0] is model.backbone[0].weight
    with pytest.raises(ConfigError, match="'bckbone' is no part"):
        shared_parameters(model, ('bckbone', ))


def test_gradients_leave_the_graph_and_know_absent_tasks(model):
    shared = shared_parameters(model, ('backbone', ))
    out = model.backbone[0](torch.tensor([1., 2.]))
    losses = dict(a=out[0], b=3 * out[1], absent=None)
    found = task_gradients(losses, shared, factor=8.0)
    assert found['a'].tolist() == [1, 2, 0, 0]
    assert found['b'].tolist() == [0, 0, 3, 6]
    assert gram_of(found).tolist() == [[5, 0, 0], [0, 45, 0], [0, 0, 0]]
    out.sum().backward()
    assert shared[0].grad is not None


def test_parts_without_a_graph(model):
    refuse_gradients(model, ('backbone', 'neck'), 'X', 'leave it')
    model.backbone[0].with_cp = True
    with pytest.raises(ConfigError, match='X cannot look .* or leave it'):
        refuse_gradients(model, ('backbone', 'neck'), 'X', 'leave it')
