import pytest
from torch import nn

from mmmultas.models.multitask.building import (build_part, build_tasks,
                                                check_known, check_weights)
from mmmultas.utils.errors import ConfigError


def test_tasks():
    tasks, inputs = build_tasks(dict(det=dict(type='x'), seg=None))
    assert list(tasks) == list(inputs) == ['det']
    for heads, sentence in ((dict(seg=None), 'heads` is empty'),
                            (dict(sounds={}), "unknown kind 'sounds'"),
                            (dict(kd=dict(kind='boxes')), 'reserved'),
                            (dict(keys=dict(kind='boxes')), "name 'keys'"),
                            (dict(neck=dict(kind='boxes')), "task 'neck'"),
                            (dict(det=dict(kind='depth')), "means 'boxes'")):
        with pytest.raises(ConfigError, match=sentence):
            build_tasks(heads)
    check_known('det', tasks)
    with pytest.raises(ConfigError, match="no head for task 'seg'"):
        check_known('seg', tasks)
    assert check_weights({}, tasks) == dict(det=1.0)
    with pytest.raises(ConfigError, match="task_weights` names 'seg'"):
        check_weights(dict(seg=2), tasks)


def test_parts():
    assert isinstance(build_part('neck', lambda cfg: nn.Identity(), {}),
                      nn.Identity)

    def fail(cfg):
        raise TypeError('no argument  x')

    with pytest.raises(ConfigError, match='`model.neck` cannot .* argument x'):
        build_part('neck', fail, {})
