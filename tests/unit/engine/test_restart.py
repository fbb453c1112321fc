from types import SimpleNamespace

import pytest
import torch

from mmmultas.engine.restart import (check_resumable, initial_rates,
                                     other_classes)
from mmmultas.utils.errors import CheckpointError


def meta(*classes, task='det'):
    return {task: dict(classes=classes), 'tasks': (task, )}


@pytest.mark.parametrize('saved, given, permuted, words', [
    (meta('a', 'b'), meta('b', 'a'), True, "number 0 is 'a' there and 'b'"),
    (meta('a', 'b'), meta('a', 'c'), False, "number 1 is 'b' there and 'c'"),
    (meta('a'), meta('a', 'b'), False, "number 1 is none there and 'b'"),
])
def test_other_classes(saved, given, permuted, words):
    found = other_classes(saved, given, 'x.pth')
    assert found.permuted == permuted
    assert words in found.text and 'x.pth' in found.text


@pytest.mark.parametrize('saved, given', [
    (meta('a', 'b'), meta('a', 'b')), ({}, meta('a')), (meta('a'), {}),
    (meta('a'), meta('b', task='seg')), (dict(det=None), meta('a')),
    (dict(det=dict(kind='depth')), meta('a'))])
def test_nothing_to_compare(saved, given):
    assert other_classes(saved, given, 'x.pth') is None


def test_another_order_is_what_is_said():
    saved = {**meta('a'), **meta('x', 'y', task='seg')}
    given = {**meta('b'), **meta('y', 'x', task='seg')}
    found = other_classes(saved, given, 'x.pth')
    assert found.permuted and "for 'seg'" in found.text


def test_rates_from_which_schedules_start():
    optim = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=.5)
    assert initial_rates(optim) == [.5]
    optim.param_groups[0].update(lr=.1, initial_lr=.4)
    assert initial_rates(optim) == [.4]
    assert initial_rates(dict(type='OptimWrapper')) == []
    several = SimpleNamespace(param_groups=dict(a=optim.param_groups))
    assert initial_rates(several) == []


def test_what_a_resumed_run_needs():
    with pytest.raises(CheckpointError, match='lacks epoch, iter, state_dict'):
        check_resumable({}, 'x.pth')
