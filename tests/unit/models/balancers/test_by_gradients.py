import sys

import pytest
import torch

from mmmultas.models.balancers import IMTL, EqualNorms, GradNorm, PCGrad
from mmmultas.utils.errors import ConfigError

GRAM = torch.diag(torch.tensor([4., 1.])).double()


def told(balancer, gram=GRAM, **losses):
    losses = losses or dict(det=2., seg=.5)
    found = balancer.weights(
        {t: torch.tensor(v) for t, v in losses.items()}, gram)
    shared = dict(balancer.shared() or found)
    balancer.commit()
    return dict(found), shared


def built(balancer):
    balancer.meet(('det', 'seg'))
    return balancer


def test_scales_of_imtl_are_those_of_the_heads():
    imtl = built(IMTL(lr=.1))
    for _ in range(3):
        heads, shared = told(imtl)
    scales = imtl.log_scale.exp()
    assert scales[0] < 1 < scales[1]
    assert heads['det'] < 1 < heads['seg'] and heads != shared


def test_equal_norms_forget_slowly():
    rule = built(EqualNorms(decay=.5))
    _, found = told(rule)
    assert found == dict(det=.75, seg=1.5)
    told(rule, 9 * GRAM)
    assert rule.norms.tolist() == [4, 2]


def test_gradnorm_shortens_what_is_long():
    rule = built(GradNorm())
    for _ in range(50):
        heads, shared = told(rule)
    assert heads == dict(det=1, seg=1)
    assert shared['det'] < 1 < shared['seg']
    assert rule.initial.tolist() == [2, .5]


def test_without_torchjd(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchjd.aggregation', None)
    with pytest.raises(ConfigError, match='pip install torchjd'):
        PCGrad()
