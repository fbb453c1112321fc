import math

import pytest

from mmmultas.registry import METRICS
from mmmultas.report.scores import (best_of, delta, delta_m, is_lower_better,
                                    primary_metrics, score_of, summarise)


def test_mean_and_sample_deviation():
    mean, std, number = summarise([14.0, 15.0, 19.0])
    assert (mean, number) == (16.0, 3)
    assert std == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert summarise([3.0]) == (3.0, None, 1)
    assert summarise([math.nan, 3.0]) == (3.0, None, 1)
    assert summarise([]) is None


def test_gains_by_hand(table):
    det, seg, mtl, one = table.groups
    assert score_of(mtl, 'det/AP').mean == 16
    assert delta(table, mtl, 'det/AP') == 16 - 12
    assert delta(table, mtl, 'seg/IoU') == 45 - 50
    assert delta(table, det, 'det/AP') is None  # it is the baseline
    # (4 / 12 - 5 / 50) / 2 and (-3 / 12 + 10 / 50) / 2, in percent
    assert delta_m(table, mtl) == pytest.approx(100 * (1 / 3 - 0.1) / 2)
    assert delta_m(table, one) == pytest.approx(100 * (-0.25 + 0.2) / 2)
    assert delta_m(table, det) is None and delta_m(table, seg) is None


def test_gain_where_lower_is_better(table):
    groups = tuple(
        type(g)(g.key, g.title, tuple(
            type(r)(r.key, r.title, r.seed, {'det/error': r.metrics['det/AP']})
            for r in g.runs))
        for g in table.groups if g.key in ('det', 'one'))
    data = type(table)('', '', '', ('det/error', ), dict(det='det'), groups)
    assert delta(data, groups[1], 'det/error') == -3
    assert delta_m(data, groups[1]) == pytest.approx(25)


def test_no_baseline_no_gain(table):
    data = type(table)('', '', '', table.metrics, dict(det='gone'),
                       table.groups)
    assert delta(data, table.groups[2], 'det/AP') is None
    assert delta_m(data, table.groups[2]) is None


def test_best():
    assert best_of(dict(a=1.0, b=3.0, c=3.0, d=None)) == {'b', 'c'}
    assert best_of(dict(a=1.0, b=3.0), lower=True) == {'a'}
    assert best_of(dict(a=1.0, b=1.0)) == set() == best_of(dict(a=1.0))
    assert is_lower_better('depth/abs_rel')
    assert is_lower_better('normals/mErr') and is_lower_better('x/aErr')

    @METRICS.register_module(force=True)
    class Declared:
        lower_is_better = ('odd_count', )
        higher_is_better = ('error_free', )

    assert is_lower_better('x/odd_count')
    assert not is_lower_better('x/error_free')
    assert not is_lower_better('det/mAP')
    assert primary_metrics(('det/a', 'seg/b', 'det/c')) == dict(
        det='det/a', seg='seg/b')
