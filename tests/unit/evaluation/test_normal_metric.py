import math

import pytest
import torch

from mmmultas.evaluation import NormalMetric


def turned(degrees):
    angle = torch.deg2rad(torch.tensor(degrees))
    return torch.stack([angle.sin(), angle * 0, angle.cos()])[:, None]


def test_scores_of_normals():
    metric = NormalMetric()
    truth = turned([0., 0., 0., 0.])
    truth[:, 0, 3] = 0
    row = metric.of_image(3 * turned([10., 20., 40., 90.]), truth)
    found = metric.scores(row + metric.of_image(truth, truth * 0))
    assert found['mean'] == pytest.approx(70 / 3, abs=1e-3)
    assert found['median'] == pytest.approx(20, abs=.006)
    assert found['rmse'] == pytest.approx(700**.5, abs=1e-3)
    assert [round(found[f'within_{x}']) for x in ('11.25', '22.5', '30')] == [
        33, 67, 67]


def test_the_median_of_many():
    torch.manual_seed(0)
    degrees = (torch.rand(2001) * 180).tolist()
    metric = NormalMetric()
    row = metric.of_image(turned(degrees), turned([0.] * 2001))
    want = torch.tensor(degrees).median().item()
    assert metric.scores(row)['median'] == pytest.approx(want, abs=.02)


def test_nothing_valid_is_not_a_number():
    metric = NormalMetric()
    row = metric.of_image(turned([1.]), turned([1.]) * 0)
    assert all(math.isnan(v) for v in metric.scores(row).values())
