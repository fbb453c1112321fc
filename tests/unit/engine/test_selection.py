import math

import pytest

from mmmultas.engine.selection import Selection, selection_score
from mmmultas.utils.errors import ConfigError

LOWER = {'depth/abs_err', 'normals/mean'}.__contains__


def test_score():
    metrics = {'det/mAP': 40., 'seg/mIoU': 60., 'x': math.nan}
    assert selection_score(metrics, {'det/mAP': 1, 'seg/mIoU': .5}) == 70
    assert selection_score(metrics, {'x': 1, 'det/mAP': 1}) == 40
    with pytest.raises(ConfigError, match='det/map'):
        selection_score(metrics, {'det/map': 1})


@pytest.mark.parametrize('metrics, want', [
    # MTPSL's NYUv2 rows, random labels: SL, SSL and their own
    ((27.05, .6624, 33.58), -3.2), ((29.50, .6224, 33.31), 1.7),
    ((34.26, .5787, 31.06), 11.8)])
def test_delta_m_is_that_of_the_paper(metrics, want):
    names = ('seg/mIoU', 'depth/abs_err', 'normals/mean')
    alone = Selection('delta_m', dict(zip(
        names, (28.7153, .754012, 28.946388))), LOWER)
    score = alone.score(dict(zip(names, metrics), other=3.))
    assert score == pytest.approx(want, abs=.05)


def test_delta_m_counts_tasks_and_leaves_out_what_has_no_value():
    gain = Selection('delta_m', {'seg/mIoU': 50, 'depth/abs_err': 2,
                                 'depth/rmse': 4}, LOWER)
    metrics = {'seg/mIoU': 60, 'depth/abs_err': 1, 'depth/rmse': 4}
    assert gain.score(metrics) == pytest.approx((20 + (50 + 0) / 2) / 2)
    metrics['depth/abs_err'] = math.nan
    assert gain.score(metrics) == pytest.approx(20 / 2)
    assert 'seg/mIoU 50' in str(gain)
    with pytest.raises(ConfigError, match='depth/rmse'):
        gain.score({'seg/mIoU': 60, 'depth/abs_err': 1})


@pytest.mark.parametrize('args, message', [
    (('delta_m', ), 'for example single_task='),
    (('delta_m', {'seg/mIoU': 0}), 'seg/mIoU.* is 0'),
    (('delta_m', {'seg/mIoU': 'x'}), 'must be a finite number'),
    (('delta_m', 3), '`val_cfg.single_task` must be a mapping'),
    (({'seg/mIoU': 1}, {'seg/mIoU': 1}), "with `selection='delta_m'` alone"),
    (('delta', ), "must be a mapping .*or 'delta_m'"),
    (({'seg/mIoU': 'x'}, ), 'must be a finite number'),
])
def test_what_is_no_selection(args, message):
    with pytest.raises(ConfigError, match=message):
        Selection(*args)
